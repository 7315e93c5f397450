"""Who looks at a run while it trains."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from presight.pretraining.watchers import listening
from presight.store.folder import RunFolder


def test_what_parts_log_is_told_and_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = RunFolder(tmp_path)
    logger = logging.getLogger("presight.methods.some")
    with listening(folder, quiet=False):
        logger.warning("%d clusters were empty", 3)
        logger.info("not worth a line")
    logger.warning("nobody listens any more")
    assert "note: 3 clusters were empty\n" in capsys.readouterr().err
    (line,) = folder.events.read_text().splitlines()
    told = json.loads(line)
    assert (told["kind"], told["text"]) == ("note", "3 clusters were empty")
