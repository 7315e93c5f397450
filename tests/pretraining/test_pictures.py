"""Mosaics of views: a column an image, a row a crop."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from presight.pretraining.pictures import COLUMNS, save_views
from presight.store.folder import RunFolder


def saved(folder: Path, view: Tensor, images: int) -> np.ndarray:
    save_views(RunFolder(folder), {"view": view}, images)
    return np.asarray(Image.open(folder / "pictures" / "views-view.png"))


def gray(levels: Tensor) -> Tensor:
    """A flat picture of 4 x 5 pixels for each level in 0..255."""
    return (levels / 255)[:, None, None, None].expand(len(levels), 3, 4, 5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_each_crop_stands_under_its_image(dtype: torch.dtype, tmp_path: Path) -> None:
    levels = torch.tensor([0, 255, 0, 255, 255, 0])  # two crops of three images, crop by crop
    picture = saved(tmp_path, gray(levels).to(dtype), images=3)
    assert picture.shape == (2 * 6, 3 * 7, 3)
    for crop in range(2):
        for image in range(3):
            tile = picture[6 * crop : 6 * crop + 6, 7 * image : 7 * image + 7].copy()
            assert (tile[1:-1, 1:-1] == int(levels[3 * crop + image])).all()
            tile[1:-1, 1:-1] = 255
            assert (tile == 255).all()  # the frame


def test_colors_are_rounded_and_kept_in_range(tmp_path: Path) -> None:
    colors = torch.tensor([[-0.5, 0.5, 1.5], [0.1, 0.2, 0.7]])
    picture = saved(tmp_path, colors[:, :, None, None].expand(2, 3, 4, 4), images=2)
    assert picture[1, 1].tolist() == [0, 128, 255]
    assert picture[1, 7].tolist() == [26, 51, 178]


def test_a_mosaic_has_a_dozen_columns_at_most(tmp_path: Path) -> None:
    count = COLUMNS + 3
    picture = saved(tmp_path, gray(torch.arange(2 * count)), images=count)
    assert picture.shape == (2 * 6, COLUMNS * 7, 3)
    assert picture[7, 1, 0] == count  # the second row begins with the second crop's first image


def test_only_pictures_are_drawn(tmp_path: Path) -> None:
    views = {
        "pair": torch.rand(4, 3, 5, 5),
        "label": torch.zeros(2, dtype=torch.int64),
        "mask": torch.zeros(2, 1, 5, 5),
        "bytes": torch.zeros(2, 3, 5, 5, dtype=torch.uint8),
        "rows": torch.rand(2, 3),
    }
    save_views(RunFolder(tmp_path), views, images=2)
    assert [path.name for path in (tmp_path / "pictures").iterdir()] == ["views-pair.png"]
