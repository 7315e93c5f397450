"""The verbs in Python."""

from __future__ import annotations

from pathlib import Path

import pytest

import presight
from presight.errors import UsageError


def test_an_unknown_option_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    out = tmp_path / "run"
    with pytest.raises(UsageError, match="unknown option --temprature"):
        presight.pretrain("scenes:64?size=16", out=out, temprature=0.2)
    assert not out.exists()
