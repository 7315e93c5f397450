"""A configuration is written as plain numbers and read back as it was."""

from __future__ import annotations

from pathlib import Path

from presight.core import yamlfile
from presight.pretraining.configuration import Configuration
from presight.store.folder import RunFolder


def test_writing_and_reading_is_the_identity(finished: Path, tmp_path: Path) -> None:
    read = Configuration.read(RunFolder(finished))
    again = RunFolder(tmp_path)
    read.write(again)
    assert Configuration.read(again) == read
    assert yamlfile.read(again.config) == yamlfile.read(finished / "config.yaml")
    assert again.data.read_bytes() == (finished / "data.json").read_bytes()
