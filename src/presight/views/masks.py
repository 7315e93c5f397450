"""Masks: what is hidden of an image, in pixels or in a transformer's patches; true is hidden."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def center_mask(count: int, size: int, side: int, device: torch.device) -> Tensor:
    """Bool [count, size, size]: a central square of a side."""
    low = (size - side) // 2
    place = torch.arange(size, device=device)
    inside = (place >= low) & (place < low + side)
    return (inside[:, None] & inside[None, :]).expand(count, size, size)


def block_mask(corners: Tensor, sides: Tensor, size: int) -> Tensor:
    """Bool [n, size, size]: the union of square blocks.

    Args:
        corners: float [n,k,2] in [0, 1), left and top as shares of the room that a block has.
        sides: int64 [n,k], of the blocks.
        size: side of the mask.
    """
    low = torch.floor(corners * (size - sides + 1)[:, :, None]).long()
    high = low + sides[:, :, None]
    place = torch.arange(size, device=corners.device)
    inside = (place >= low[..., None]) & (place < high[..., None])
    return (inside[:, :, 1, :, None] & inside[:, :, 0, None, :]).any(1)


def smooth_scores(noise: Tensor, size: int) -> Tensor:
    """Coarse noise [n, m, m] interpolated to [n, size, size]: its top values form regions."""
    wide = F.interpolate(noise[:, None], (size, size), mode="bicubic", align_corners=False)
    return wide[:, 0]


def lowest(scores: Tensor, keep: int) -> Tensor:
    """Int64 [n, keep]: the places of the lowest of scores [n, m], in ascending order of place."""
    order = torch.argsort(scores, dim=1, stable=True)
    return order[:, :keep].sort(dim=1).values


def hidden(keep: Tensor, count: int) -> Tensor:
    """Bool [n, count]: true but at the places in `keep`, int64 [n, m]."""
    mask = torch.ones(len(keep), count, dtype=torch.bool, device=keep.device)
    return mask.scatter(1, keep, False)
