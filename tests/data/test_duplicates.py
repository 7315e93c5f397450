from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from presight.core.batch import Batch
from presight.data import duplicates
from presight.data.canvas import canvases
from presight.data.duplicates import find_duplicates
from presight.data.scenes import Scenes


class Given:
    """Arrays as the data layer's images."""

    def __init__(self, arrays: list[np.ndarray]) -> None:
        self.arrays = arrays
        self.sizes = np.array([array.shape[:2] for array in arrays])

    def __len__(self) -> int:
        return len(self.arrays)

    def batch(self, index: torch.Tensor) -> Batch:
        return canvases([self.arrays[i] for i in index.tolist()], index)


def scenes(count: int, seed: int, size: int = 64) -> list[np.ndarray]:
    source = Scenes(count, size=size, seed=seed)
    return [source.decode(i) for i in range(count)]


def pressed(array: np.ndarray) -> np.ndarray:
    held = io.BytesIO()
    Image.fromarray(array).save(held, "JPEG", quality=60)
    return np.asarray(Image.open(held))


def resized(array: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(array).resize((90, 51), Image.Resampling.BICUBIC))


def darker(array: np.ndarray) -> np.ndarray:
    return (array * 0.6 + 20).astype(np.uint8)


def gray(array: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(array).convert("L").convert("RGB"))


PICTURES = scenes(24, 0)
OTHERS = scenes(40, 1)


def found(first: list[np.ndarray], among: list[np.ndarray]) -> duplicates.Duplicates:
    return find_duplicates(
        Given(first), torch.arange(len(first)), Given(among), torch.arange(len(among))
    )


@pytest.mark.parametrize("change", [pressed, resized, darker, gray])
def test_the_same_picture_is_found_whatever_became_of_it(change: object) -> None:
    changed = [change(array) for array in PICTURES[:8]]  # type: ignore[operator]
    result = found([*changed, *OTHERS[:8]], [*PICTURES, *OTHERS[20:]])
    assert result.rows == list(range(8))
    assert {(row, other) for row, other, _ in result.pairs} == {(i, i) for i in range(8)}
    assert result.words("test images", "training images") == [
        "8 of 16 test images are near duplicates of training images."
    ]


def test_exact_ones_are_counted_apart_and_lead_the_pairs() -> None:
    result = found([PICTURES[3], pressed(PICTURES[5]), OTHERS[0]], PICTURES)
    assert (result.exact, result.near) == ((0,), (1,))
    assert [pair[:2] for pair in result.pairs] == [(0, 3), (1, 5)]
    assert "2 of 3 a are near duplicates of b, 1 of them exact." in result.words("a", "b")
    assert result.to_json()["exact"] == 1


def test_other_pictures_are_none() -> None:
    result = found(PICTURES, OTHERS)
    assert result.rows == []
    assert result.words("a", "b") == []


def test_the_same_shape_in_quite_another_color_is_another_picture() -> None:
    swapped = [np.ascontiguousarray(array[:, :, [1, 2, 0]]) for array in PICTURES]
    shifted = [np.abs(a.astype(int).mean((0, 1)) - a.mean()).max() > 25 for a in PICTURES]
    result = found(swapped, PICTURES)
    assert any(shifted)
    assert not [row for row in result.rows if shifted[row]]


def test_flat_pictures_are_not_taken_for_each_other() -> None:
    flat = [np.full((40, 40, 3), level, np.uint8) for level in (10, 60, 200)]
    noisy = [np.random.default_rng(i).integers(98, 101, (40, 40, 3), np.uint8) for i in range(3)]
    assert found([*flat, *noisy], [*flat[1:], noisy[0] + 1]).near == ()
    same = found(flat, flat[:1])
    assert (same.exact, same.pairs) == ((0,), ())


def test_inside_one_set_no_picture_is_its_own_duplicate() -> None:
    images, rows = Given([*PICTURES, PICTURES[2], pressed(PICTURES[7])]), torch.arange(26)
    result = find_duplicates(images, rows, images, rows)
    assert result.exact == (2, 24)
    assert result.near == (7, 25)


def test_blocks_and_rows_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    first, among = Given([darker(p) for p in PICTURES]), Given([*OTHERS, *PICTURES])
    rows, others = torch.tensor([5, 2, 9]), torch.arange(30, 64)
    whole = find_duplicates(first, rows, among, others)
    assert whole.rows == [2, 5, 9]
    monkeypatch.setattr(duplicates, "_BLOCK", 7)
    told: list[tuple[int, int]] = []
    parts = find_duplicates(
        first, rows, among, others, progress=lambda done, total: told.append((done, total))
    )
    assert parts == whole
    assert told[-1] == (34, 34)
