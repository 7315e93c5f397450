"""Mosaics of views: a column an image, a row a crop."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from presight.pretraining.pictures import save_views
from presight.store.folder import RunFolder


def test_each_crop_stands_under_its_image(tmp_path: Path) -> None:
    levels = torch.arange(6) * 40  # two crops of three images, crop by crop
    view = (levels / 255)[:, None, None, None].expand(6, 3, 4, 5)
    save_views(RunFolder(tmp_path), {"view": view}, images=3)
    picture = np.asarray(Image.open(tmp_path / "pictures" / "views-view.png"))
    assert picture.shape == (2 * 6, 3 * 7, 3)
    for crop in range(2):
        for image in range(3):
            tile = picture[6 * crop : 6 * crop + 6, 7 * image : 7 * image + 7]
            assert (tile[1:-1, 1:-1] == int(levels[3 * crop + image])).all()
            frame = tile.copy()
            frame[1:-1, 1:-1] = 255
            assert (frame == 255).all()
