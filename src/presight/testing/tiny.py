"""A small network, batch and data description, for tests that need the contract and no images."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from presight.core.backbone import Backbone, Encoders, Normalize
from presight.core.batch import Batch, DataSpec
from presight.core.draw import Draw


class TinyBackbone(Backbone):
    """Two stages of one convolution each, 8 and 16 channels at width 1: 1,416 weights.

    Args:
        in_channels: of the images.
        width: factor on the channels.
        norm: makes a normalization layer of a number of channels; None is `BatchNorm2d`.
    """

    def __init__(
        self,
        in_channels: int = 3,
        width: float = 1.0,
        norm: Callable[[int], nn.Module] | None = None,
    ) -> None:
        super().__init__()
        first, second = max(1, round(8 * width)), max(1, round(16 * width))
        norm = norm or nn.BatchNorm2d
        self.normalize = Normalize((0.5,) * in_channels, (0.25,) * in_channels)
        self.stage1 = nn.Sequential(
            nn.Conv2d(in_channels, first, 3, stride=2, padding=1, bias=False),
            norm(first),
            nn.ReLU(),
        )
        self.stage2 = nn.Sequential(
            nn.Conv2d(first, second, 3, stride=2, padding=1, bias=False), norm(second), nn.ReLU()
        )
        self.dim = second
        self.stage_dims = (first, second)
        self.source = "testing:tiny"

    def stages(self, images: Tensor) -> tuple[Tensor, ...]:
        """Maps [B, 8*width, h/2, w/2] and [B, 16*width, h/4, w/4]."""
        first = self.stage1(self.normalize(images))
        return first, self.stage2(first)


def tiny_encoders() -> Encoders:
    """A factory of tiny backbones."""
    return TinyBackbone


def tiny_batch(n: int = 8, size: int = 16, *, seed: int = 0) -> Batch:
    """A batch of n smooth pictures, uint8 [n,3,size,size], each another, indices 0..n-1."""
    draw = Draw(seed, 0, torch.arange(n))
    coarse = draw.uniform("pictures", (3, 4, 4))
    smooth = nn.functional.interpolate(coarse, (size, size), mode="bilinear", align_corners=True)
    return Batch.of((smooth * 255).round().to(torch.uint8))


def tiny_data(n: int = 32, batch: int = 8, size: int = 16, *, epochs: float = 2) -> DataSpec:
    """What a method may know about n pictures, trained in batches of `batch`."""
    return DataSpec(n, size, batch, n // batch, epochs)
