from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torchvision.transforms.v2 import functional as tv

from presight.views import filters

from .pictures import pictures


@pytest.mark.parametrize("sigma", [0.1, 0.4, 1.0, 1.9])
def test_blur_is_torchvisions_at_the_same_kernel(sigma: float) -> None:
    images = pictures(2, 24, 32).float() / 255.0
    side = 2 * math.ceil(3 * sigma) + 1
    ours = filters.gaussian_blur(images, torch.full((2,), sigma))
    theirs = tv.gaussian_blur(images, [side, side], [sigma, sigma])
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)


def test_no_blur_without_sigma_and_none_of_a_constant() -> None:
    images = torch.rand(2, 3, 9, 9)
    torch.testing.assert_close(filters.gaussian_blur(images, torch.zeros(2)), images)
    flat = torch.full((1, 3, 9, 9), 0.3)
    torch.testing.assert_close(filters.gaussian_blur(flat, torch.tensor([2.0])), flat)


def test_each_image_has_its_own_sigma() -> None:
    images = torch.rand(2, 3, 16, 16)
    sigma = torch.tensor([0.5, 1.5])
    together = filters.gaussian_blur(images, sigma)
    for row in range(2):
        alone = filters.gaussian_blur(images[row : row + 1], sigma[row : row + 1])
        torch.testing.assert_close(together[row], alone[0], atol=1e-6, rtol=0)


def test_sobel_measures_a_slope() -> None:
    slope = (torch.arange(8.0) / 10.0).expand(1, 1, 8, 8)
    right, down = filters.sobel(slope)[0, :, 1:-1, 1:-1]
    torch.testing.assert_close(right, torch.full_like(right, 0.1))
    torch.testing.assert_close(down, torch.zeros_like(down), atol=1e-6, rtol=0)
    turned = filters.sobel(slope.transpose(2, 3))[0, :, 1:-1, 1:-1]
    torch.testing.assert_close(turned[1], right.T)


def test_sobel_is_its_kernels_correlation() -> None:
    gray = torch.rand(2, 1, 6, 7)
    kernel = torch.tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]])
    padded = F.pad(gray, (1, 1, 1, 1), mode="replicate")
    expected = F.conv2d(padded, torch.stack([kernel, kernel.T])[:, None])
    torch.testing.assert_close(filters.sobel(gray, scale=-1.0), -expected)
    torch.testing.assert_close(filters.sobel(gray), expected / 8)


def test_noise_stays_in_range() -> None:
    noisy = filters.add_noise(torch.full((1, 3, 4, 4), 0.9), torch.full((1, 3, 4, 4), 0.3))
    assert (noisy == 1.0).all()
