"""From a command to plain numbers."""

from __future__ import annotations

from typing import Any

import pytest

from presight.core.options import split
from presight.data.scenes import Scenes
from presight.pretraining.configuration import Configuration
from presight.pretraining.configure import configure


def resolved(device: str = "cpu", source: Scenes | None = None, **flat: Any) -> Configuration:
    source = source or Scenes(640, size=40)
    parts = split(**flat)
    data = f"scenes:{source.count}"
    return configure(data, source, parts.settings, parts.plan, parts.options, device, "fp32")


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_no_auto_is_left_beside_where_packs_are_and_which_preset(device: str) -> None:
    found = resolved(device)
    left = [key for key, value in vars(found.settings).items() if value == "auto"]
    assert left == ["preset", "device", "cache_dir"]
    assert "auto" not in vars(found.plan).values()
