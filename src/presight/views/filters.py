"""Filters of batches: Gaussian blur, Sobel gradients, noise. Pure torch."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from presight.views.color import LUMA


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


def sobel(images: Tensor) -> Tensor:
    """Gradients of the gray image, [n,2,h,w]: right and down, by Sobel's filters over 8."""
    kernel = images.new_tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]]) / 8.0
    gray = torch.einsum("nchw,c->nhw", images[:, :3], images.new_tensor(LUMA))[:, None]
    padded = F.pad(gray, (1, 1, 1, 1), mode="replicate")
    return F.conv2d(padded, torch.stack([kernel, kernel.T])[:, None])


def add_noise(images: Tensor, noise: Tensor) -> Tensor:
    """Images plus noise of equal shape, clamped to [0, 1]."""
    return (images + noise).clamp(0.0, 1.0)
