from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from presight.data import pack as module
from presight.data.pack import kept_sizes, pack, packed, source_sizes
from presight.data.scenes import Scenes


def test_kept_sizes_bound_the_short_side_and_never_enlarge() -> None:
    scenes = Scenes(3, size=64)
    assert source_sizes(scenes).tolist() == [[64, 64]] * 3
    assert kept_sizes(scenes, 40).tolist() == [[40, 40]] * 3
    assert kept_sizes(scenes, 200).tolist() == [[64, 64]] * 3


def test_a_pack_is_made_once_and_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenes = Scenes(5, size=16)
    assert not packed(scenes, side=16, cache_dir=tmp_path)
    first = pack(scenes, side=16, cache_dir=tmp_path, workers=1)
    assert packed(scenes, side=16, cache_dir=tmp_path)
    monkeypatch.setattr(module, "_make", None)  # a second decoding would fail here
    again = pack(scenes, side=16, cache_dir=tmp_path, workers=1)
    for i in range(5):
        assert np.array_equal(first.image(i), scenes.decode(i))
        assert np.array_equal(again.image(i), scenes.decode(i))


def test_another_side_or_other_images_are_another_pack(tmp_path: Path) -> None:
    pack(Scenes(5, size=16), side=16, cache_dir=tmp_path, workers=1)
    assert not packed(Scenes(5, size=16), side=8, cache_dir=tmp_path)
    assert not packed(Scenes(5, size=16, seed=1), side=16, cache_dir=tmp_path)
    assert not packed(Scenes(6, size=16), side=16, cache_dir=tmp_path)
