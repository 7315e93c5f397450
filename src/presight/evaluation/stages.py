"""Features of a backbone's stages, pooled to a common width: where in the network knowledge is."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from presight.core.backbone import Backbone
from presight.core.batch import Batch

if TYPE_CHECKING:
    from presight.data.canvas import Images

_EPS = 1e-5  # of a batch norm
PUBLISHED = 9000
"""Numbers of an image and stage that published layer-wise probes keep, about."""


@dataclass(frozen=True)
class Budget:
    """What a ladder of stage probes may cost.

    Args:
        width: numbers of an image and stage, about.
        images: of train that the probes learn from, at most.
    """

    width: int
    images: int

    @property
    def words(self) -> str:
        """For a report."""
        return f"maps pooled to about {self.width:,} numbers, at most {self.images:,} labels"


QUICK = Budget(1000, 2000)
FULL = Budget(PUBLISHED, 10**9)


def side_of(channels: int, width: int = PUBLISHED) -> int:
    """Side s of a pooled map: max(1, round(sqrt(width / channels))).

    For ResNet-50 and 9,000 these are 12, 6, 4, 3 and 2, which is 9,216, 9,216, 8,192, 9,216 and
    8,192 numbers.

    Source: Goyal, Mahajan, Gupta, Misra, Scaling and Benchmarking Self-Supervised Visual
    Representation Learning, ICCV 2019, whose kernels give the same sides at 224 pixels.
    """
    return max(1, round(math.sqrt(width / channels)))


class _Pooled(Backbone):
    """All stages of a backbone, pooled and one after the other."""

    def __init__(self, backbone: Backbone, width: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.sides = [side_of(channels, width) for channels in backbone.stage_dims]
        self.stage_dims = backbone.stage_dims
        self.widths = [c * s * s for c, s in zip(self.stage_dims, self.sides, strict=True)]
        self.dim = sum(self.widths)
        self.source = backbone.source

    def stages(self, images: Tensor) -> tuple[Tensor, ...]:
        return self.backbone.stages(images)

    def forward(self, images: Tensor) -> Tensor:
        maps = self.stages(images)
        return torch.cat(
            [functional.adaptive_avg_pool2d(found, side).flatten(1)
             for found, side in zip(maps, self.sides, strict=True)], 1
        )  # fmt: skip


@dataclass(frozen=True)
class Some:
    """Some of the images, by row."""

    images: Images
    rows: Tensor

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def sizes(self) -> NDArray[np.int64]:
        """[n, 2], height and width."""
        kept: NDArray[np.int64] = self.images.sizes[self.rows.numpy()]
        return kept

    def batch(self, index: Tensor) -> Batch:
        """Images by their place among the rows."""
        return self.images.batch(self.rows[index])


def stage_features(
    backbone: Backbone,
    images: Images,
    rows: Tensor,
    width: int,
    extract: Callable[[Backbone, Images], Tensor],
) -> list[Tensor]:
    """Features of every stage: average pooled maps, flattened.

    Args:
        backbone: with `stages` and `stage_dims`.
        images: the data layer's images.
        rows: int64 [n], of which images.
        width: numbers of an image and stage, about.
        extract: how features of all images are made.

    Returns:
        A float32 [n, C s s] for each stage f1..fk.
    """
    pooled = _Pooled(backbone, width)
    found = extract(pooled, Some(images, rows))
    return list(torch.split(found, pooled.widths, 1))


def normalized(train: Tensor, test: Tensor, channels: int) -> tuple[Tensor, Tensor]:
    """Both after a batch norm without weights, whose statistics are the training rows'.

    Args:
        train: float [n, C s s].
        test: float [q, C s s].
        channels: C; statistics are of a channel, over rows and places.
    """
    parts = [part.view(len(part), channels, -1) for part in (train, test)]
    variance, mean = torch.var_mean(parts[0], (0, 2), correction=0, keepdim=True)
    first, second = (((part - mean) / (variance + _EPS).sqrt()).flatten(1) for part in parts)
    return first, second
