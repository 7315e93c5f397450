"""Objects as the middles of their boxes, on one map of a quarter of the side: for small images.

Source: Zhou, Wang and Krähenbühl, "Objects as Points", 2019; radius by Law and Deng, "CornerNet",
2018. The box's size is learned as a logarithm, so that the loss does not depend on the view's side.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from presight.evaluation.tasks.average_precision import MOST, Detections

STRIDE = 4
"""Pixels of the view to a cell of the map."""

_WIDTH = 64
_TYPICAL = 0.3  # share of the view's side, from which sizes are learned
_RARE = 0.1  # probability of an object's middle that the map begins with
_LEAST_OVERLAP = 0.7  # of a box whose middle is a radius away


class CenterNet(nn.Module):
    """Maps of a backbone to a heat map of middles, sizes and offsets.

    Args:
        dims: channels of the backbone's maps.
        classes: how many there are.
    """

    def __init__(self, dims: Sequence[int], classes: int) -> None:
        super().__init__()
        self.laterals = nn.ModuleList(nn.Conv2d(dim, _WIDTH, 1) for dim in dims)
        self.norms = nn.ModuleList(nn.GroupNorm(8, _WIDTH) for _ in dims)
        self.smooth = _block()
        self.heat = nn.Sequential(_block(), nn.Conv2d(_WIDTH, classes, 1))
        self.shape = nn.Sequential(_block(), nn.Conv2d(_WIDTH, 4, 1))
        nn.init.constant_(self.heat[-1].bias, math.log(_RARE / (1 - _RARE)))  # type: ignore[arg-type]
        nn.init.constant_(self.shape[-1].bias, 0.0)  # type: ignore[arg-type]

    def forward(self, maps: Sequence[Tensor], side: int) -> tuple[Tensor, Tensor]:
        """Heat as logits [B,C,m,m]; width, height, then place in the cell [B,4,m,m].

        Args:
            maps: [B, dims[i], h_i, w_i].
            side: of the view, pixels; m is a quarter of it.
        """
        size = max(1, round(side / STRIDE))
        total: Tensor | None = None
        for made, lateral, norm in reversed(
            list(zip(maps, self.laterals, self.norms, strict=True))
        ):
            one = norm(lateral(_to(made, min(size, made.shape[-1]))))
            total = one if total is None else _to(total, one.shape[-1]) + one
        assert total is not None
        shared = self.smooth(_to(total, size))
        return self.heat(shared), self.shape(shared)


def _block() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1, bias=False), nn.GroupNorm(8, _WIDTH), nn.ReLU()
    )


def _to(maps: Tensor, size: int) -> Tensor:
    """Maps [B,c,h,w] at another size: means of cells, or values between them."""
    if maps.shape[-1] > size:
        return F.adaptive_avg_pool2d(maps, size)
    if maps.shape[-2:] == (size, size):
        return maps
    return F.interpolate(maps, size=(size, size), mode="bilinear", align_corners=False)


def losses(
    heat: Tensor, shape: Tensor, boxes: Tensor, label: Tensor, owner: Tensor
) -> Mapping[str, Tensor]:
    """Penalty-reduced focal loss of the middles, absolute errors of sizes and places.

    All are sums over the batch by its number of objects.

    Args:
        heat: logits [B,C,m,m].
        shape: [B,4,m,m].
        boxes: float [n, 4], x0, y0, x1, y1 in cells of the map.
        label: int64 [n].
        owner: int64 [n], row of the batch.
    """
    size = heat.shape[-1]
    middle, extent = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    cell = middle.floor().clamp(0, size - 1)
    target = middles(cell, extent, label, owner, heat.shape)
    count = max(1, len(boxes))
    x, y = cell.long().unbind(1)
    given = shape[owner, :, y, x]
    wanted = torch.cat([(extent / (size * _TYPICAL)).log(), middle - cell], 1)
    error = (given - wanted).abs().sum(0) / count
    return {
        "middles": focal(heat, target) / count,
        "sizes": error[:2].sum(),
        "offsets": error[2:].sum(),
    }


def middles(
    cell: Tensor, extent: Tensor, label: Tensor, owner: Tensor, shape: Sequence[int]
) -> Tensor:
    """The heat map that is wanted, [B,C,m,m]: 1 at a middle, a bell around it, the highest wins.

    Args:
        cell: float [n, 2], column and row of each middle.
        extent: float [n, 2], width and height in cells.
        label: int64 [n].
        owner: int64 [n], row of the batch.
        shape: B, C, m, m.
    """
    size = shape[-1]
    radius = radii(extent)
    spread = ((2 * radius + 1) / 6)[:, None, None]
    place = torch.arange(size, device=cell.device, dtype=cell.dtype)
    across = (place - cell[:, :1]).square()[:, None, :]
    down = (place - cell[:, 1:]).square()[:, :, None]
    bell = torch.exp(-(across + down) / (2 * spread.square()))
    wanted = torch.zeros(shape[0] * shape[1], size * size, device=cell.device, dtype=cell.dtype)
    row = (owner * shape[1] + label)[:, None].expand(-1, size * size)
    wanted.scatter_reduce_(0, row, bell.flatten(1), "amax")
    return wanted.view(*shape)


def radii(extent: Tensor) -> Tensor:
    """How far, in whole cells, both corners may move and the boxes still overlap by 0.7; float [n].

    The least of three ways to move them: both outward, both inward, both the same way.

    Args:
        extent: float [n, 2], width and height in cells.
    """
    width, height = extent.unbind(1)
    around, area, share = width + height, width * height, _LEAST_OVERLAP
    same = (around - (around.square() - 4 * area * (1 - share) / (1 + share)).sqrt()) / 2
    inward = (around - (around.square() - 4 * area * (1 - share)).sqrt()) / 4
    outward = ((around.square() + 4 * area * (1 / share - 1)).sqrt() - around) / 4
    return torch.stack([same, inward, outward]).amin(0).floor()


def focal(heat: Tensor, target: Tensor) -> Tensor:
    """Sum of -(1 - p)^2 log p at middles and -(1 - t)^4 p^2 log(1 - p) elsewhere.

    Args:
        heat: logits [B,C,m,m] of p.
        target: t in [0, 1], 1 at middles.
    """
    yes, no = F.logsigmoid(heat), F.logsigmoid(-heat)
    at_middle = (2 * no).exp() * yes
    elsewhere = (1 - target) ** 4 * (2 * yes).exp() * no
    return -torch.where(target >= 1, at_middle, elsewhere).sum()


def decoded(heat: Tensor, shape: Tensor) -> list[Detections]:
    """The highest peaks of each image as boxes, in shares of the view's side.

    Args:
        heat: logits [B,C,m,m].
        shape: [B,4,m,m].
    """
    count, _, size, _ = heat.shape
    peaks = heat.sigmoid()
    peaks = peaks * (peaks == F.max_pool2d(peaks, 3, 1, 1))
    scores, where = peaks.flatten(1).topk(min(MOST, peaks[0].numel()))
    label, cell = where // (size * size), where % (size * size)
    told = shape.flatten(2).gather(2, cell[:, None].expand(-1, 4, -1))
    extent = told[:, :2].exp() * _TYPICAL
    middle = (torch.stack([cell % size, cell // size], 1) + told[:, 2:]) / size
    boxes = torch.cat([middle - extent / 2, middle + extent / 2], 1).clamp(0.0, 1.0)
    boxes = boxes.transpose(1, 2).float().cpu()
    return [
        Detections(boxes[row].numpy(), scores[row].float().cpu().numpy(), label[row].cpu().numpy())
        for row in range(count)
    ]
