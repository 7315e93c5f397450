from __future__ import annotations

import importlib.util

import pytest
import torch

from presight.cli import installation


def test_versions_devices_and_extras_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "timm" else real(name)
    )
    text = "\n".join(installation.survey())
    assert f"torch {torch.__version__.partition('+')[0]}" in text
    assert "device cpu" in text
    assert 'extra timm: without timm: pip install "presight[timm]"' in text


def test_a_package_that_is_not_there() -> None:
    assert installation.installed("no-such-package-here") == "not installed"
