"""Going on: the folder's configuration under a new command."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from presight.core.settings import Settings
from presight.data.scenes import Scenes
from presight.errors import RunError
from presight.pretraining.configuration import Configuration
from presight.pretraining.resume import same_data
from presight.store.folder import RunFolder


def test_other_images_are_refused(finished: Path) -> None:
    folder = RunFolder(finished)
    config = Configuration.read(folder)
    assert same_data(config, Scenes(64, size=16), Settings(), folder) is config
    with pytest.raises(RunError, match=r"64 images, now 65"):
        same_data(config, Scenes(65, size=16), Settings(accept_data_change=True), folder)
    edited = Scenes(64, size=16, seed=1)
    with pytest.raises(RunError, match=r"--accept-data-change goes on"):
        same_data(config, edited, Settings(), folder)
    accepted = same_data(config, edited, Settings(accept_data_change=True), folder)
    assert accepted == dataclasses.replace(config, fingerprint=edited.fingerprint)
