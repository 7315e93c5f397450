from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.labels.making import HEIGHT, WIDTH, coco, images, opened, told
from presight.errors import DataError, Unavailable


def outline(x0: float, y0: float, x1: float, y1: float) -> list[list[float]]:
    return [[x0, y0, x1, y0, x1, y1, x0, y1]]


def part(segmentation: Any, category: int = 3, **more: Any) -> dict[str, Any]:
    return {"image_id": 10, "category_id": category, "segmentation": segmentation, **more}


def test_the_smaller_is_seen_and_crowds_lie_below(tmp_path: Path) -> None:
    images(tmp_path, 2)
    rows = [
        part(outline(4, 4, 6, 6), 7),
        part(outline(2, 2, 10, 10)),
        part(outline(0, 0, 12, 3), iscrowd=1),
    ]
    source = opened(coco(tmp_path, rows), "segmentation")
    assert source.classes == ("background", "a", "b")
    mask = source.target(0).mask
    assert (mask.dtype, mask.shape) == (np.uint8, (HEIGHT, WIDTH))
    expected = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    expected[0:3, 0:12] = 255
    expected[2:10, 2:10] = 1
    expected[4:6, 4:6] = 2
    np.testing.assert_array_equal(mask, expected)
    assert not source.target(1).mask.any()
    assert told(source) == []


def test_runs_as_lists_and_as_strings(tmp_path: Path) -> None:
    reader = pytest.importorskip("pycocotools.mask")
    images(tmp_path, 1)
    left = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    left[:, :3] = 1
    packed = reader.encode(np.asfortranarray(left))["counts"].decode()
    size = [HEIGHT, WIDTH]
    rows = [
        part({"size": size, "counts": packed}),
        part({"size": size, "counts": [HEIGHT * (WIDTH - 2), HEIGHT * 2]}, 7),
    ]
    mask = opened(coco(tmp_path, rows, 1), "segmentation").target(0).mask
    assert mask[0].tolist() == [1] * 3 + [0] * (WIDTH - 5) + [2] * 2


def test_strings_without_pycocotools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pycocotools.mask", None)
    images(tmp_path, 1)
    size = [HEIGHT, WIDTH]
    plain = [part({"size": size, "counts": [0, HEIGHT * WIDTH]})]
    assert opened(coco(tmp_path, plain, 1), "segmentation").target(0).mask.all()
    with pytest.raises(Unavailable, match="pip install"):
        opened(coco(tmp_path, [part({"size": size, "counts": "0"})], 1), "segmentation")


BAD: list[Any] = [
    None,
    [],
    [[1, 2, 3, 4]],
    [[1, 2, 3, 4, 5, 6, 7]],
    [[1, 2, 3, 4, 5, "6"]],
    [[1, 2, 3, 4, 5, float("nan")]],
    {"size": [WIDTH, HEIGHT], "counts": [0, HEIGHT * WIDTH]},
    {"size": [HEIGHT, WIDTH], "counts": [0, 5]},
    {"size": [HEIGHT, WIDTH], "counts": [-5, HEIGHT * WIDTH + 5]},
    {"size": [HEIGHT, WIDTH], "counts": {}},
    {"size": [HEIGHT, WIDTH], "counts": "\ud800"},
    {"counts": "zzzzzzzzzzzzzzzz"},
]


@pytest.mark.parametrize("segmentation", BAD)
def test_an_object_without_a_usable_outline(tmp_path: Path, segmentation: Any) -> None:
    """Its pixels are no background: its box counts neither way."""
    images(tmp_path, 1)
    rows = [
        part(outline(0, 0, 5, 5)),
        part(segmentation, bbox=[10, 10, 4, 2]),
        part(segmentation, bbox=[1]),
    ]
    source = opened(coco(tmp_path, rows, 1), "segmentation")
    assert told(source) == [
        "labels.json, annotations[1]: no usable outline: its box counts neither way",
        "labels.json, annotations[2]: no usable outline, no usable box: dropped",
    ]
    mask = source.target(0).mask
    assert (mask[10:12, 10:14] == 255).all()
    assert (mask == 255).sum() == 8


def test_no_outline_at_all_and_too_many_classes(tmp_path: Path) -> None:
    images(tmp_path, 1)
    with pytest.raises(DataError, match="no usable label"):
        opened(coco(tmp_path, [part(None, bbox=[1, 1, 5, 5])], 1), "segmentation")
    many = [{"id": n, "name": str(n)} for n in range(255)]
    with pytest.raises(DataError, match="255 categories; masks hold at most 254"):
        opened(coco(tmp_path, [], 1, categories=many), "segmentation")


def test_a_category_called_background_is_the_background(tmp_path: Path) -> None:
    images(tmp_path, 1)
    named = [{"id": 1, "name": "a"}, {"id": 2, "name": "background"}, {"id": 3, "name": "b"}]
    rows = [part(outline(0, 0, 9, 9), 3), part(outline(2, 2, 4, 4), 2)]
    source = opened(coco(tmp_path, rows, 1, categories=named), "segmentation")
    assert source.classes == ("background", "a", "b")
    mask = source.target(0).mask
    assert (mask[0, 0], mask[3, 3]) == (2, 0)
