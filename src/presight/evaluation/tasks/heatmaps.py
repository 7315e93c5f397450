"""Heat maps of points: a head that makes them, what it learns from, and their peaks."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_WIDTH = 128
_DOUBLINGS = 3  # from a 32nd of the view to a quarter of it


class HeatMaps(nn.Module):
    """Maps to heat maps: deconvolutions until they are large enough, then one linear layer.

    Source: Xiao, Wu, Wei, Simple Baselines for Human Pose Estimation and Tracking, ECCV 2018, with
    128 channels instead of 256.

    Args:
        channels: of the map.
        points: heat maps that come out.
    """

    def __init__(self, channels: int, points: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, _WIDTH, 1, bias=False)
        self.doublings = nn.ModuleList(_doubling() for _ in range(_DOUBLINGS))
        self.last = nn.Conv2d(_WIDTH, points, 1)
        for parameter in self.last.parameters():
            nn.init.zeros_(parameter)

    def forward(self, found: Tensor, side: int) -> Tensor:
        """Logits [B, points, side, side] of maps [B, channels, h, w]."""
        found = self.first(found)
        for doubling in self.doublings:
            if found.shape[-1] < side:
                found = doubling(found)
        logits = self.last(found).float()
        larger = logits.shape[-1] > side  # a map of a stride below 4 is averaged, not sampled
        return F.interpolate(logits, (side, side), mode="bilinear", antialias=larger)


def _doubling() -> nn.Module:
    return nn.Sequential(
        nn.ConvTranspose2d(_WIDTH, _WIDTH, 4, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(_WIDTH),
        nn.ReLU(inplace=True),
    )


def gaussians(points: Tensor, side: int) -> Tensor:
    """One Gaussian a point, of sum 1, [..., side, side].

    Its deviation is side / 32 places, at least 1: the published 2 at a side of 64.

    Args:
        points: [..., 2], x and y as shares of the map.
        side: of the map, places.
    """
    sigma = max(1.0, side / 32)
    centers = torch.arange(side, device=points.device) + 0.5
    off = (points[..., None] * side - centers) / sigma
    x, y = (-0.5 * off.square()).softmax(-1).unbind(-2)
    return y[..., :, None] * x[..., None, :]


def decoded(logits: Tensor) -> Tensor:
    """The peaks of heat maps: x and y as shares of the map, and the peak's probability.

    Between places the peak is that of the parabola through the logits beside it, which is exact
    for a Gaussian, and at the edge that through the three outermost; at most half a place off.

    Source: Zhang, Zhu, Dai, Ye, Zhu, Distribution-Aware Coordinate Representation for Human Pose
    Estimation, CVPR 2020, by axis.

    Args:
        logits: [B, k, side, side].

    Returns:
        float [B, k, 3].
    """
    side = logits.shape[-1]
    height, place = logits.flatten(2).softmax(2).max(2)
    row, column = place // side, place % side
    across = logits.gather(2, row[..., None, None].expand(-1, -1, 1, side))[:, :, 0]
    along = logits.gather(3, column[..., None, None].expand(-1, -1, side, 1))[..., 0]
    x, y = (_peak(line, at) for line, at in ((across, column), (along, row)))
    return torch.stack([x / side, y / side, height], 2)


def _peak(line: Tensor, at: Tensor) -> Tensor:
    """Where the parabola through the places around `at` of lines [B, k, side] has its peak."""
    side = line.shape[-1]
    center = at.clamp(min=1).clamp(max=max(side - 2, 0))
    near = (center[..., None] + torch.arange(-1, 2, device=at.device)).clamp(0, side - 1)
    before, middle, after = line.gather(2, near).unbind(2)
    bend = 2 * middle - before - after
    off = center - at + (after - before) / (2 * bend.clamp(min=1e-6))
    return at + 0.5 + torch.where(bend > 0, off.clamp(-0.5, 0.5), 0.0)
