from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from presight.views import per_image
from presight.views.params import ViewParams

from .pictures import assert_close, pictures


def _crops(images: torch.Tensor, side: float, size: int) -> torch.Tensor:
    boxes = torch.tensor([[1.0, 2.0, 1.0 + side, 2.0 + side]]).repeat(len(images), 1)
    return per_image.render(images, ViewParams(boxes=boxes), size)


ROUNDING = 0.32
"""Mean error of one rounding to 8 bits and of 8-bit weights, in 1/255."""
SOFT_ERROR = ROUNDING + 0.2
"""The same where a crop is shrunk a little without antialiasing."""


@pytest.mark.parametrize(
    ("side", "limit"),
    [(33, SOFT_ERROR), *((side, ROUNDING) for side in (20, 32, 34, 35, 36, 48, 90))],
)
def test_crops_of_every_scale_are_torchs_antialiased_ones(side: int, limit: float) -> None:
    images = pictures(3, 100, 110)
    part = images[:, :, 2 : 2 + side, 1 : 1 + side].float() / 255.0
    reference = F.interpolate(part, (32, 32), mode="bilinear", antialias=True)
    assert_close(_crops(images, float(side), 32), reference, limit)


def test_both_memory_layouts_give_the_same_views() -> None:
    images = pictures(2, 40, 50)
    last = images.contiguous(memory_format=torch.channels_last)
    assert torch.equal(_crops(images, 30.0, 16), _crops(last, 30.0, 16))


def test_the_cached_images_are_not_written_to() -> None:
    images = pictures(2, 16, 16).contiguous(memory_format=torch.channels_last)
    before = images.clone()
    yes = torch.ones(2, dtype=torch.bool)
    params = ViewParams(
        boxes=torch.tensor([[0.0, 0.0, 16.0, 16.0]]).repeat(2, 1),
        flip=yes,
        gray=yes,
        solarize=yes,
        sigma=torch.ones(2),
        cutout=torch.tensor([[0, 0, 8, 8]] * 2),
    )
    views = per_image.render(images, params, 16)
    assert torch.equal(images, before)
    assert (views[:, :, :8, :8] == 128 / 255).all()


def test_levels_become_exact_shares_of_255() -> None:
    ramp = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16).expand(1, 3, 16, 16)
    params = ViewParams(boxes=torch.tensor([[0.0, 0.0, 16.0, 16.0]]))
    assert torch.equal(per_image.render(ramp, params, 16), ramp.float() / 255.0)


def test_an_empty_batch_gives_no_views() -> None:
    none = torch.zeros(0, 3, 8, 8, dtype=torch.uint8)
    assert per_image.render(none, ViewParams(boxes=torch.zeros(0, 4)), 4).shape == (0, 3, 4, 4)
