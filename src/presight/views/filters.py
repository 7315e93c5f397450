"""Filters of batches: Gaussian blur, Sobel gradients, noise. Pure torch."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def _blur_weights(sigma: Tensor, side: int) -> Tensor:
    """[n, side, side]: a Gaussian cut at three sigma, reflected at both ends, rows summing to 1."""
    place = torch.arange(side, device=sigma.device, dtype=sigma.dtype)
    width = sigma.clamp(min=1e-3)[:, None, None]
    radius = torch.ceil(3.0 * sigma)[:, None, None]

    def bell(distance: Tensor) -> Tensor:
        distance = distance.abs()
        return torch.exp(-0.5 * (distance / width) ** 2) * (distance <= radius)

    row, column = place[:, None], place[None, :]
    weights = bell(row - column)
    weights = weights + bell(row + column) * (column > 0)
    weights = weights + bell(2 * (side - 1) - row - column) * (column < side - 1)
    return weights / weights.sum(-1, keepdim=True)


def gaussian_blur(images: Tensor, sigma: Tensor) -> Tensor:
    """Gaussian blur with a kernel of 2 ceil(3 sigma) + 1 pixels, reflected at the border.

    Args:
        images: float [n,c,h,w].
        sigma: float [n], pixels; 0 leaves an image as it is.
    """
    height, width = images.shape[-2:]
    sigma = sigma.to(images.dtype)
    across, down = _blur_weights(sigma, width), _blur_weights(sigma, height)
    return torch.matmul(down[:, None], torch.matmul(images, across.transpose(1, 2)[:, None]))


def sobel(gray: Tensor, scale: float = 1 / 8) -> Tensor:
    """Gradients right and down, [n,2,h,w], by Sobel's filters; the border pixels are repeated.

    Args:
        gray: float [n,1,h,w].
        scale: of the filters, whose weights are 1 and 2; at 1/8 a slope is measured as it is.
    """
    wide = F.pad(gray, (1, 1, 1, 1), mode="replicate")
    column = wide[:, :, :-2] + 2 * wide[:, :, 1:-1] + wide[:, :, 2:]
    row = wide[..., :-2] + 2 * wide[..., 1:-1] + wide[..., 2:]
    right, down = column[..., 2:] - column[..., :-2], row[:, :, 2:] - row[:, :, :-2]
    return scale * torch.cat([right, down], 1)


def add_noise(images: Tensor, noise: Tensor) -> Tensor:
    """Images plus noise of equal shape, clamped to [0, 1]."""
    return (images + noise).clamp(0.0, 1.0)
