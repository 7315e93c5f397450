"""Patch grids: cells of a square picture, each seen through a smaller patch placed at random."""

from __future__ import annotations

import torch
from torch import Tensor


def cut(images: Tensor, corners: Tensor, side: int) -> Tensor:
    """Patches of images.

    Args:
        images: float [n,c,h,w].
        corners: int64 [n,k,2], left and top of each patch, pixels.
        side: of a patch, pixels.

    Returns:
        [k*n,c,side,side], patch-major: all first patches, then all second ones.
    """
    count, channels, _, width = images.shape
    step = torch.arange(side, device=images.device)
    rows = corners[:, :, 1, None] + step
    columns = corners[:, :, 0, None] + step
    flat = rows[:, :, :, None] * width + columns[:, :, None, :]
    pieces = flat.shape[1]
    flat = flat.view(count, 1, -1).expand(-1, channels, -1)
    found = images.flatten(2).gather(2, flat).view(count, channels, pieces, side, side)
    return found.permute(2, 0, 1, 3, 4).reshape(pieces * count, channels, side, side)


def grid_corners(size: int, grid: int, gap: int, offset: Tensor) -> Tensor:
    """Corners of one patch a cell, row by row.

    A cell has size // grid pixels; its patch leaves half the gap free on each side and moves by
    the offset. What is left of the size after the cells is shared out around them.

    Args:
        size: side of the picture, pixels.
        grid: cells a side.
        gap: least distance of patches in neighboring cells, pixels.
        offset: int64 [n, grid * grid, 2], right and down, 0 up to the jitter.

    Returns:
        int64 [n, grid * grid, 2], left and top.
    """
    cell = size // grid
    start = (size - cell * grid) // 2 + (gap + 1) // 2
    line = torch.arange(grid, device=offset.device) * cell + start
    left = line.repeat(grid)
    top = line.repeat_interleave(grid)
    return torch.stack([left, top], 1) + offset


def patch_side(size: int, grid: int, gap: int, jitter: int) -> int:
    """Side of a patch: a cell less gap and jitter, pixels."""
    return size // grid - gap - jitter


def standardize(patches: Tensor) -> Tensor:
    """Each patch with mean 0 and standard deviation 1 over its pixels and channels.

    The deviation is at least 1 / sqrt(values), so that a constant patch becomes 0.
    """
    flat = patches.flatten(1)
    floor = flat.shape[1] ** -0.5
    deviation = flat.std(1, unbiased=False).clamp(min=floor)
    standard = (flat - flat.mean(1, keepdim=True)) / deviation[:, None]
    return standard.view_as(patches)
