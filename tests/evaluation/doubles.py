"""Small images with a class each, and a view of them, without the data layer."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from presight.core.backbone import Backbone
from presight.core.batch import Batch, Views
from presight.core.draw import Draw
from presight.core.recipe import Recipe
from presight.evaluation.labelled import LabelledImages


class Pictures:
    def __init__(self, pixels: Tensor) -> None:
        self.pixels = pixels
        self.sizes = np.full((len(pixels), 2), pixels.shape[-1])
        self.reads: list[int] = []

    def __len__(self) -> int:
        return len(self.pixels)

    def batch(self, index: Tensor) -> Batch:
        self.reads += index.tolist()
        return Batch.of(self.pixels[index], index)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Whole(Recipe):
    """The whole image as it is."""

    name: ClassVar[str] = "whole"
    keys: ClassVar[dict[str, str]] = {"view": "[B,3,h,w]"}

    def __call__(self, batch: Batch, draw: Draw) -> Views:
        return {"view": batch.images.float() / 255.0}


class Small(Backbone):
    """Convolution, batch norm, ReLU."""

    def __init__(self, dim: int = 6) -> None:
        super().__init__()
        self.dim, self.stage_dims, self.source = dim, (dim,), "own:small"
        self.layers = nn.Sequential(nn.Conv2d(3, dim, 3), nn.BatchNorm2d(dim), nn.ReLU())

    def stages(self, images: Tensor) -> tuple[Tensor, ...]:
        return (self.layers(images),)


def colored(n: int, seed: int, classes: int = 3, names: tuple[str, ...] = ()) -> LabelledImages:
    """Noise whose mean color tells the class."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % classes
    noise = torch.randint(0, 120, (n, 3, 8, 8), generator=generator)
    noise[torch.arange(n), labels % 3] += 60
    pixels = noise.to(torch.uint8)
    return LabelledImages(
        Pictures(pixels), labels, names or tuple("abcdef"[:classes]), f"colored-{n}-{seed}"
    )
