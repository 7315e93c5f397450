"""The uint8 operations against torchvision's at the same parameters."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import functional as tv

from presight.views import geometry, pixels
from presight.views.params import warp_matrices

from .pictures import assert_close, pictures

ROUNDING = 0.6
"""Mean error of rounding to 8 bits before and after one operation, in 1/255."""


def _pictures() -> torch.Tensor:
    return pictures(4, 48, 48)


def _run(op, images: torch.Tensor, *values: object) -> torch.Tensor:
    done = []
    for image in images:
        array = image.permute(1, 2, 0).contiguous().numpy().copy()
        op(array, *values)
        done.append(torch.from_numpy(array).permute(2, 0, 1))
    return torch.stack(done).float() / 255.0


@pytest.mark.parametrize("factor", [0.2, 0.7, 1.3, 1.8])
@pytest.mark.parametrize("name", ["brightness", "contrast", "saturation"])
def test_color_factors(name: str, factor: float) -> None:
    images = _pictures()
    reference = getattr(tv, f"adjust_{name}")(images.float() / 255.0, factor)
    assert_close(_run(getattr(pixels, name), images, factor), reference, ROUNDING)


@pytest.mark.parametrize("turn", [-0.5, -0.2, -0.01, 0.1, 0.5])
def test_hue(turn: float) -> None:
    images = _pictures()
    room = np.empty((48, 48, 3), np.float32)
    reference = tv.adjust_hue(images.float() / 255.0, turn)
    assert_close(_run(pixels.hue, images, turn, room), reference, ROUNDING)


@pytest.mark.parametrize("sigma", [0.1, 0.5, 1.0, 2.0])
def test_blur(sigma: float) -> None:
    images = _pictures()
    side = 2 * int(np.ceil(3 * sigma)) + 1
    reference = tv.gaussian_blur(images.float() / 255.0, [side, side], [sigma, sigma])
    assert_close(_run(pixels.blur, images, sigma), reference, ROUNDING)


def test_gray_and_solarize() -> None:
    images = _pictures()
    floats = images.float() / 255.0
    assert_close(_run(pixels.gray, images), tv.rgb_to_grayscale(floats, 3), ROUNDING)
    assert_close(_run(pixels.solarize, images), tv.solarize(floats, 0.5), 1e-3)


def test_mirror_and_shift_are_exact() -> None:
    images = _pictures()
    floats = images.float() / 255.0
    assert torch.equal(_run(pixels.mirror, images), floats.flip(-1))
    for right, down in ((0, 0), (3, -5), (-4, 2)):
        by = torch.tensor([[right, down]]).repeat(4, 1)
        assert torch.equal(_run(pixels.shift, images, right, down), geometry.shift(floats, by))


@pytest.mark.parametrize("degrees", [0.0, 15.0, -30.0])
def test_warp_is_the_batched_one(degrees: float) -> None:
    images = _pictures()
    matrix = warp_matrices(
        torch.tensor([degrees]), torch.tensor([[4.0, -7.0]]), torch.tensor([0.8])
    )
    reference = geometry.warp(images.float() / 255.0, matrix.repeat(4, 1, 1))
    assert_close(_run(pixels.warp, images, matrix[0].double().numpy()), reference, ROUNDING)


def test_operations_work_in_place() -> None:
    image = _pictures()[0].permute(1, 2, 0).contiguous().numpy()
    address = image.ctypes.data
    before = image.copy()
    pixels.blur(image, 1.0)
    assert image.ctypes.data == address
    assert (image != before).any()
