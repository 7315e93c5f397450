from __future__ import annotations

import io

import numpy as np
import torch
from PIL import Image

from evaluation.doubles import Pictures
from presight.core.batch import Batch
from presight.evaluation.embedding import sprite


def test_every_thumbnail_stands_where_it_is_said_to() -> None:
    colors = torch.tensor([[250, 0, 0], [0, 250, 0], [0, 0, 250], [9, 9, 9]])
    pixels = colors.to(torch.uint8)[:, :, None, None].expand(4, 3, 10, 10)
    picture, columns = sprite.sheet(Pictures(pixels.contiguous()), [2, 0, 3], columns=2, side=16)
    assert picture.shape == (32, 32, 3)
    assert columns == 2
    for at, row in enumerate([2, 0, 3]):
        y, x = at // 2 * 16 + 8, at % 2 * 16 + 8
        assert picture[y, x].tolist() == colors[row].tolist()


def test_pictures_that_are_not_square_are_padded_and_not_squeezed() -> None:
    class Wide:
        def batch(self, index: torch.Tensor) -> Batch:
            frame = torch.tensor([[0.0, 0.0, 40.0, 10.0]])
            return Batch(torch.zeros(1, 3, 10, 40, dtype=torch.uint8), index, frame)

    picture, _ = sprite.sheet(Wide(), [0], side=48)  # type: ignore[arg-type]
    dark = (picture == 0).all(2)
    assert dark.sum(0).tolist() == [12] * 48
    assert dark[18:30].all()


def test_a_file_stays_below_its_bytes() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (480, 480, 3), dtype=np.uint8)
    best = sprite.jpeg(noise)
    small = sprite.jpeg(noise, len(best) // 2)
    assert len(small) <= len(best) // 2
    assert Image.open(io.BytesIO(small)).size == (480, 480)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(sprite.png(noise)))), noise)
