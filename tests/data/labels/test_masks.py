from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data.labels.making import halves, images, opened, plane, told
from data.making import write
from presight.errors import DataError


def test_values_are_classes_and_255_counts_neither_way(tmp_path: Path) -> None:
    images(tmp_path, 2)
    plane(tmp_path / "masks/0.png", halves(2, 255))
    plane(tmp_path / "masks/1.png", halves(0, 4))
    source = opened(tmp_path, "segmentation")
    assert source.classes == ("0", "1", "2", "3", "4")
    np.testing.assert_array_equal(source.target(0).mask, halves(2, 255))
    np.testing.assert_array_equal(source.target(1).mask, halves(0, 4))
    assert told(source) == []
    fewer = opened(tmp_path, "segmentation", ignore=[4, 1])
    assert fewer.classes == ("0", "2", "3")
    np.testing.assert_array_equal(fewer.target(0).mask, halves(1, 255))
    np.testing.assert_array_equal(fewer.target(1).mask, halves(0, 255))


def test_a_palette_names_values(tmp_path: Path) -> None:
    images(tmp_path, 2)
    plane(tmp_path / "masks/0.png", halves(0, 255))
    plane(tmp_path / "masks/1.png", halves(0, 9))
    write(tmp_path / "masks/palette.csv", b"name,index\nground,0\nobject,255\n")
    source = opened(tmp_path, "segmentation")
    assert source.classes == ("ground", "object")
    np.testing.assert_array_equal(source.target(0).mask, halves(0, 1))
    np.testing.assert_array_equal(source.target(1).mask, halves(0, 255))
    assert told(source) == [
        "1.png: 384 x pixel of a value or color that is no class: counts neither way"
    ]


def test_a_palette_names_colors(tmp_path: Path) -> None:
    images(tmp_path, 2)
    plane(tmp_path / "masks/0.png", np.dstack([halves(9, 0), halves(0, 0), halves(0, 7)]))
    plane(tmp_path / "masks/1.png", halves(1, 0), [0, 0, 7, 9, 0, 0])
    colors = write(tmp_path / "colors.csv", b"name,r,g,b\nsky,0,0,7\nroad,9,0,0\n")
    source = opened(tmp_path / "masks", "segmentation", images=tmp_path / "images", palette=colors)
    assert source.classes == ("sky", "road")
    for i in range(2):
        np.testing.assert_array_equal(source.target(i).mask, halves(1, 0))


def test_colors_need_a_palette(tmp_path: Path) -> None:
    images(tmp_path, 2)
    plane(tmp_path / "masks/0.png", np.dstack([halves(9, 0)] * 3))
    with pytest.raises(DataError, match=r"0\.png: colors, and no palette\.csv with name,index"):
        opened(tmp_path, "segmentation")
    plane(tmp_path / "masks/0.png", halves(1, 0), [0, 0, 7, 9, 0, 0])
    plane(tmp_path / "masks/1.png", halves(1, 0), [9, 0, 0, 0, 0, 7])
    with pytest.raises(DataError, match=r"one color in 0.png and another in 1.png"):
        opened(tmp_path, "segmentation")


def test_masks_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    images(tmp_path, 4)
    plane(tmp_path / "masks/0.png", halves(0, 1))
    plane(tmp_path / "masks/1.png", halves(0, 1)[:12])
    write(tmp_path / "masks/2.png", b"<html>")
    plane(tmp_path / "masks/9.png", halves(0, 1))
    source = opened(tmp_path, "segmentation")
    assert len(source) == 1
    assert told(source) == [
        "9.png: label of an image that is not there: dropped",
        "1.png: mask of 32 x 12 for an image of 32 x 24 pixels: dropped",
        "2.png: not an image of a known format: dropped",
        "1.png: image without usable labels: left out",
        "2.png: image without usable labels: left out",
        "3.png: image without usable labels: left out",
    ]


@pytest.mark.parametrize("right", [3, 255])
def test_one_class_only_stops(tmp_path: Path, right: int) -> None:
    images(tmp_path, 1)
    plane(tmp_path / "masks/0.png", halves(3, right))
    with pytest.raises(DataError, match=r"shows 1 class in 1 masks; two or more .*object,255"):
        opened(tmp_path, "segmentation")


def test_values_over_255_are_no_classes(tmp_path: Path) -> None:
    images(tmp_path, 2)
    plane(tmp_path / "masks/0.png", halves(0, 1000, np.uint16))
    plane(tmp_path / "masks/1.png", halves(0, 2, np.uint16))
    source = opened(tmp_path, "segmentation")
    np.testing.assert_array_equal(source.target(0).mask, halves(0, 255))
    assert "0.png: 384 x pixel of a value" in told(source)[0]
