"""Backbones that are measured beside a backbone: its first stages alone, and the bare pixels."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from presight.core.backbone import Backbone

_SIDE = 16
_STRIDES = (4, 8)


class FirstStages(Backbone):
    """A backbone up to one of its maps, which then is the last one.

    Args:
        backbone: whose weights these are, not a copy.
        last: how many of its maps are kept, 1 or more.
    """

    def __init__(self, backbone: Backbone, last: int) -> None:
        super().__init__()
        self.inner, self.last = backbone, last
        self.stage_dims = backbone.stage_dims[:last]
        self.dim = self.stage_dims[-1]
        self.source = backbone.source

    def stages(self, images: Tensor) -> tuple[Tensor, ...]:
        """The first maps of the backbone."""
        return self.inner.stages(images)[: self.last]


class Pixels(Backbone):
    """No network at all: maps are patches of pixels, features a small picture.

    It anchors what a frozen head makes of the pixels themselves.
    """

    dim = 3 * _SIDE * _SIDE
    stage_dims = tuple(3 * stride**2 for stride in _STRIDES)
    source = "pixels"

    def forward(self, images: Tensor) -> Tensor:
        """The picture at 16 pixels a side, float [B, 768]."""
        return F.adaptive_avg_pool2d(images, _SIDE).flatten(1)

    def stages(self, images: Tensor) -> tuple[Tensor, ...]:
        """The pixels of each 4 x 4 and of each 8 x 8 patch; sides are padded to multiples of 8."""
        high, wide = (-side % _STRIDES[-1] for side in images.shape[-2:])
        padded = F.pad(images, (0, wide, 0, high), mode="replicate") if high or wide else images
        return tuple(F.pixel_unshuffle(padded, stride) for stride in _STRIDES)
