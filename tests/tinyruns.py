"""The smallest pretraining there is, and one finished run that any test may read or copy."""

from __future__ import annotations

import shutil
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any

from presight.core.options import split
from presight.pretraining.outcome import Run
from presight.pretraining.run import pretrain

DATA = "scenes:64?size=16"
UPDATES = 4
WORDS: dict[str, Any] = {
    "method": "rotation",
    "backbone": "resnet9:4",
    "epochs": 1.0,
    "batch_size": 16,
    "precision": "fp32",
    "device": "cpu",
    "quiet": True,
}
_FOLDER = tempfile.TemporaryDirectory(prefix="presight-runs-")


def tiny(out: Path | str, data: str = DATA, **changes: Any) -> Run:
    """Pretrain; a change to None leaves an option out."""
    flat = {key: value for key, value in (WORDS | changes).items() if value is not None}
    parts = split(**flat, out=str(out))
    return pretrain(data, settings=parts.settings, plan=parts.plan, options=parts.options)


@lru_cache(maxsize=1)
def finished() -> Path:
    """The folder of a finished run; who changes it takes a copy."""
    return tiny(Path(_FOLDER.name) / "finished").folder


def copied(target: Path) -> Path:
    """A copy of the finished run."""
    return Path(shutil.copytree(finished(), target))


def files(folder: Path) -> dict[str, bytes]:
    """Content of all files by relative path."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
