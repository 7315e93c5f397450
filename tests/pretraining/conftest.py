"""The finished run, once a session."""

from __future__ import annotations

from pathlib import Path

import pytest

import tinyruns


@pytest.fixture(scope="session")
def finished() -> Path:
    """Read only; `tinyruns.copied` gives one to change."""
    return tinyruns.finished()
