from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from presight.data import fill as filling
from presight.data.fill import block, fill, fitting, offsets_of, reduced
from presight.data.scenes import Scenes
from presight.errors import DataError


def filled(scenes: Scenes, side: int, path: Path, workers: int) -> tuple[np.ndarray, list]:
    """The bytes written, and what progress was told."""
    kept = min(side, scenes.size)
    sizes = np.full((len(scenes), 2), kept, dtype=np.int64)
    path.write_bytes(bytes(len(scenes) * kept * kept * 3))
    told: list[tuple[int, int]] = []
    failed = fill(scenes, side, path, sizes, workers, lambda *step: told.append(step))
    assert failed == {}
    return np.fromfile(path, np.uint8).reshape(len(scenes), kept, kept, 3), told


def test_offsets_are_sums_of_sizes() -> None:
    assert offsets_of(np.array([[2, 3], [1, 1], [4, 4]])).tolist() == [0, 18, 21]


@pytest.mark.parametrize("side", [16, 12])
def test_blocks_are_the_images_one_by_one(side: int, tmp_path: Path) -> None:
    scenes = Scenes(70, size=16)
    pixels, told = filled(scenes, side, tmp_path / "pixels", workers=1)
    for i in (0, 31, 32, 69):
        np.testing.assert_array_equal(pixels[i], reduced(scenes, i, side))
        np.testing.assert_array_equal(pixels[i], fitting(scenes.decode(i), side))
    assert told == [(32, 70), (64, 70), (70, 70)]


def test_children_write_the_same_pixels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scenes = Scenes(70, size=16, objects=2, seed=3)
    alone, _ = filled(scenes, 16, tmp_path / "alone", workers=1)
    monkeypatch.setattr(filling, "_WORTH_CHILDREN", 0)
    together, told = filled(scenes, 16, tmp_path / "together", workers=2)
    np.testing.assert_array_equal(together, alone)
    assert told[-1] == (70, 70)


def test_a_block_that_no_child_can_make_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Elsewhere(Scenes):
        @property
        def spec(self) -> str:
            return str(tmp_path / "nowhere")

    monkeypatch.setattr(filling, "_WORTH_CHILDREN", 0)
    with pytest.raises(DataError, match=r"nowhere could not be made: no .*nowhere here"):
        filled(Elsewhere(3, size=16), 16, tmp_path / "pixels", workers=2)


def test_a_block_is_flat() -> None:
    assert block(Scenes(5, size=16), 1, 4, 8).shape == (3 * 8 * 8 * 3,)
