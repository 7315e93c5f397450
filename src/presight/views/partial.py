"""Recipes whose views are parts: patches, lightness and color, masked images."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, Literal, Self

import torch
from torch import Tensor

from presight.core.batch import Batch, Views
from presight.core.draw import Draw
from presight.errors import UsageError
from presight.views import color, filters, masks, patches
from presight.views.render import render
from presight.views.single import Crop


@dataclasses.dataclass(frozen=True, kw_only=True)
class Patches(Crop):
    """A grid of patches, cut with gap and jitter from an aspect-true crop.

    Source: Doersch, Gupta, Efros: Unsupervised Visual Representation Learning by Context
    Prediction (2015); Noroozi, Favaro: Solving Jigsaw Puzzles (2016): crop 255, 3 cells a side of
    85 pixels, patches of 64.

    Args:
        grid: cells a side.
        gap: least distance of patches in neighboring cells, pixels.
        jitter_pixels: by how much a patch may move in its cell; None is 21 of 85 pixels.
        standardize: give each patch mean 0 and standard deviation 1, so that brightness does not
            tell its place.
    """

    name: ClassVar[str] = "patches"
    keys: ClassVar[dict[str, str]] = {
        "patches": "[grid*grid*B,3,p,p], all first patches (top left), then all second ones",
    }

    scale: tuple[float, float] = (0.5, 1.0)
    ratio: tuple[float, float] = (1.0, 1.0)
    flip: float = 0.0
    gray: float = 0.66
    grid: int = 3
    gap: int = 0
    jitter_pixels: int | None = None
    standardize: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.size > 0 and self._side() < 1:
            raise UsageError(
                f"views patches: grid = {self.grid}, gap = {self.gap} and jitter_pixels = "
                f"{self.jitter_pixels or 0} leave no pixel of a cell at size {self.size}. "
                "Lower one of them."
            )

    def _side(self) -> int:
        return patches.patch_side(self.size, self.grid, self.gap, self.jitter_pixels or 0)

    def sized(self, size: int) -> Self:
        """This recipe for pictures of `size` pixels."""
        moves = self.jitter_pixels
        if moves is None:
            moves = max(0, round((size // self.grid - self.gap) * 21 / 85))
        return dataclasses.replace(super().sized(size), jitter_pixels=moves)

    def __call__(self, batch: Batch, draw: Draw) -> Views:
        """All patches of each image, under `patches`."""
        picture = render(batch, [self.params(batch, draw)], self.size, self.executor)
        offset = draw.integers("patches", (self.grid**2, 2), (self.jitter_pixels or 0) + 1)
        corners = patches.grid_corners(self.size, self.grid, self.gap, offset)
        found = patches.cut(picture, corners, self._side())
        return {"patches": patches.standardize(found) if self.standardize else found}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Lab(Crop):
    """A random resized crop, mirrored at random, split into lightness and color."""

    name: ClassVar[str] = "lab"
    keys: ClassVar[dict[str, str]] = {
        "lightness": "[B,1,s,s], L of CIE Lab minus 50, in [-50, 50]",
        "color": "[B,2,s,s], a and b of CIE Lab, about -108 to 98",
    }

    scale: tuple[float, float] = (0.2, 1.0)

    def __call__(self, batch: Batch, draw: Draw) -> Views:
        """Lightness and color of one view of each image."""
        view = render(batch, [self.params(batch, draw)], self.size, self.executor)
        lightness, colors = color.split_lab(view[:, :3])
        return {"lightness": lightness, "color": colors}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Masked(Crop):
    """A random resized crop and which of its patches a transformer may see.

    Source: He, Chen, Xie, Li, Dollar, Girshick: Masked Autoencoders Are Scalable Vision Learners
    (2021); bilinear where the released code is bicubic.

    Args:
        patch: side of a patch, pixels; None is 16 from 192 pixels on, 8 from 64 on, 4 below.
        share: of the patches that are hidden; the number that is seen is rounded down.
        region: `scattered` hides single patches, `smooth` connected regions, `block` one square at
            random, `center` the central square; squares have the side nearest to the share.
    """

    name: ClassVar[str] = "masked"
    keys: ClassVar[dict[str, str]] = {
        "view": "[B,3,s,s], one view of each image",
        "keep": "int64 [B,m], the patches that are seen, row by row, ascending",
        "mask": "bool [B,n], true where a patch is hidden",
    }

    scale: tuple[float, float] = (0.2, 1.0)
    patch: int | None = None
    share: float = 0.75
    region: Literal["scattered", "smooth", "block", "center"] = "scattered"

    def sized(self, size: int) -> Self:
        """This recipe at a view's side of `size` pixels."""
        patch = self.patch or (16 if size >= 192 else 8 if size >= 64 else 4)
        if size % patch:
            raise UsageError(
                f"views masked: patch = {patch} does not divide the size {size}. "
                "Choose a patch that does."
            )
        return dataclasses.replace(super().sized(size), patch=patch)

    def __call__(self, batch: Batch, draw: Draw) -> Views:
        """One view of each image, with `keep` and `mask`."""
        view = render(batch, [self.params(batch, draw)], self.size, self.executor)
        side = self.size // (self.patch or 4)
        count = side * side
        square = round(side * self.share**0.5)
        seen = int(count * (1.0 - self.share))
        if self.region in ("block", "center"):
            seen = count - square**2
        keep = masks.lowest(self._scores(draw, side, square, len(view)), max(1, seen))
        return {"view": view, "keep": keep, "mask": masks.hidden(keep, count)}

    def _scores(self, draw: Draw, side: int, square: int, rows: int) -> Tensor:
        """[B, side*side]: the patches with the highest scores are hidden."""
        if self.region == "scattered":
            return draw.uniform("mask", (side * side,))
        if self.region == "smooth":
            coarse = max(2, side // 4)
            return masks.smooth_scores(draw.uniform("mask", (coarse, coarse)), side).flatten(1)
        corners = draw.uniform("mask", (1, 2))
        if self.region == "center":
            mask = masks.center_mask(rows, side, square, corners.device)
        else:
            sides = torch.full((rows, 1), square, device=corners.device)
            mask = masks.block_mask(corners, sides, side)
        return mask.flatten(1).float()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Noisy(Crop):
    """A random resized crop and the same with Gaussian noise.

    Args:
        noise: standard deviation of the noise, in units of [0, 1].
    """

    name: ClassVar[str] = "noisy"
    keys: ClassVar[dict[str, str]] = {
        "view": "[B,3,s,s], one view of each image",
        "noisy": "[B,3,s,s], the same view with noise, clamped to [0, 1]",
    }

    noise: float = 0.1

    def __call__(self, batch: Batch, draw: Draw) -> Views:
        """One view of each image, clean and noisy."""
        view = render(batch, [self.params(batch, draw)], self.size, self.executor)
        noise = draw.normal("noise", tuple(view.shape[1:])) * self.noise
        return {"view": view, "noisy": filters.add_noise(view, noise)}
