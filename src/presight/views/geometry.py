"""Geometry of batches: crops with resizing, flips, turns, warps and holes. Pure torch."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def _resize_weights(low: Tensor, high: Tensor, before: int, after: int, antialias: bool) -> Tensor:
    """[n, after, before]: rows of a triangle filter that resample [low, high) to `after` pixels."""
    scale = (high - low) / after
    steps = torch.arange(after, device=low.device, dtype=low.dtype) + 0.5
    center = steps * scale[:, None] + low[:, None]
    pixel = torch.arange(before, device=low.device, dtype=low.dtype) + 0.5
    support = scale.clamp(min=1.0) if antialias else torch.ones_like(scale)
    weights = 1.0 - (pixel - center[:, :, None]).abs() / support[:, None, None]
    inside = (pixel > low[:, None]) & (pixel < high[:, None])
    weights = weights.clamp_(min=0.0) * inside[:, None]
    return weights / weights.sum(-1, keepdim=True)


def resized_crop(images: Tensor, boxes: Tensor, size: int, *, antialias: bool = True) -> Tensor:
    """Crops, resized to a square by bilinear interpolation, as two batched matrix products.

    Args:
        images: float [n,c,h,w] in [0, 1].
        boxes: float [n,4], x0, y0, x1, y1 in pixels, half-open; nothing outside leaks in.
        size: side of the result, pixels.
        antialias: widen the filter where the crop shrinks, as torchvision does.

    Returns:
        float [n,c,size,size] in [0, 1].
    """
    height, width = images.shape[-2:]
    boxes = boxes.to(images.dtype)
    rows = _resize_weights(boxes[:, 1], boxes[:, 3], height, size, antialias)
    columns = _resize_weights(boxes[:, 0], boxes[:, 2], width, size, antialias)
    narrow = torch.matmul(images, columns.transpose(1, 2)[:, None])
    return torch.matmul(rows[:, None], narrow)


def flip(images: Tensor, where: Tensor, axis: int = -1) -> Tensor:
    """Images [n,c,h,w], mirrored where bool [n] is true: left and right, or -2 top and bottom."""
    return torch.where(where[:, None, None, None], images.flip(axis), images)


def rot90(images: Tensor, turns: int) -> Tensor:
    """Images [n,c,s,s], turned counter-clockwise by `turns` quarters; no interpolation."""
    return torch.rot90(images, turns, (-2, -1))


def shift(images: Tensor, by: Tensor) -> Tensor:
    """Whole shifts with reflection that does not repeat the border pixel.

    Args:
        images: float [n,c,h,w].
        by: int64 [n,2], right and down, pixels, less than the side.
    """
    for axis, offset in ((3, by[:, 0]), (2, by[:, 1])):
        side = images.shape[axis]
        source = torch.arange(side, device=images.device) - offset[:, None]
        last = side - 1
        source = last - (last - source.abs()).abs()
        source = source[:, None, None, :] if axis == 3 else source[:, None, :, None]
        images = images.gather(axis, source.expand_as(images))
    return images


def warp(images: Tensor, matrices: Tensor) -> Tensor:
    """Affine maps with bilinear interpolation; the image is mirrored beyond its border.

    Args:
        images: float [n,c,h,w].
        matrices: float [n,2,3] of `params.warp_matrices`.
    """
    height, width = images.shape[-2:]
    unit = torch.tensor([width / 2, height / 2], device=images.device, dtype=images.dtype)
    matrices = matrices.to(images.dtype)
    linear = matrices[:, :, :2] * unit / unit[:, None]
    theta = torch.cat([linear, matrices[:, :, 2:] / unit[:, None]], 2)
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, "bilinear", "reflection", align_corners=False)


def cutout(images: Tensor, boxes: Tensor, fill: float = 0.5) -> Tensor:
    """Images with a hole of one value.

    Args:
        images: float [n,c,h,w].
        boxes: int64 [n,4], x0, y0, x1, y1, half-open; empty leaves the image as it is.
        fill: value of the hole.
    """
    height, width = images.shape[-2:]
    x = torch.arange(width, device=images.device)
    y = torch.arange(height, device=images.device)
    across = (x >= boxes[:, 0, None]) & (x < boxes[:, 2, None])
    down = (y >= boxes[:, 1, None]) & (y < boxes[:, 3, None])
    hole = down[:, None, :, None] & across[:, None, None, :]
    return images.masked_fill(hole, fill)
