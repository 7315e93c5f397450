"""Recipes of one view: center, flip, crop, pad-crop; and four rotations of one."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, Literal, Self

import torch
from torch import Tensor

from presight.core.batch import Batch, Views
from presight.core.draw import Draw
from presight.core.recipe import Recipe
from presight.errors import UsageError
from presight.views import geometry, params
from presight.views.augmented import Augmented, check_fields, check_sized
from presight.views.params import ViewParams
from presight.views.render import render

ONE = {"view": "[B,3,s,s], one view of each image"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Center(Recipe):
    """The largest central square, resized; nothing is drawn."""

    name: ClassVar[str] = "center"
    keys: ClassVar[dict[str, str]] = ONE

    def __call__(self, batch: Batch, draw: Draw) -> Views:
        """One view of each image, under `view`."""
        view = ViewParams(boxes=params.center_boxes(batch.frame))
        return {"view": render(batch, [view], check_sized(self), self.executor)}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Flip(Recipe):
    """The largest central square, resized, mirrored at random.

    Args:
        flip: probability of mirroring left and right.
        vertical: probability of mirroring top and bottom, for images without an up.
    """

    name: ClassVar[str] = "flip"
    keys: ClassVar[dict[str, str]] = ONE

    flip: float = 0.5
    vertical: float = 0.0

    def __post_init__(self) -> None:
        check_fields(self)

    def __call__(self, batch: Batch, draw: Draw) -> Views:
        """One view of each image, under `view`."""
        view = ViewParams(
            boxes=params.center_boxes(batch.frame),
            flip=params.chance(draw, "flip", self.flip),
            vertical=params.chance(draw, "vertical", self.vertical),
        )
        return {"view": render(batch, [view], check_sized(self), self.executor)}


@dataclasses.dataclass(frozen=True, kw_only=True)
class PadCrop(Recipe):
    """The central square, shifted by up to `pad` pixels with reflection, mirrored at random.

    Args:
        pad: greatest shift either way, pixels; None is 4 at a side of 32, in proportion else.
        flip: probability of mirroring left and right.
        vertical: probability of mirroring top and bottom, for images without an up.
    """

    name: ClassVar[str] = "pad-crop"
    keys: ClassVar[dict[str, str]] = ONE

    pad: int | None = None
    flip: float = 0.5
    vertical: float = 0.0

    def __post_init__(self) -> None:
        check_fields(self)
        if self.pad is not None and 0 < self.size <= self.pad:
            raise UsageError(
                f"views pad-crop: pad = {self.pad} leaves nothing of a side of {self.size} pixels. "
                "Lower pad."
            )

    def sized(self, size: int) -> Self:
        """This recipe at a view's side of `size` pixels."""
        pad = round(size / 8) if self.pad is None else self.pad
        return dataclasses.replace(self, size=size, pad=pad)

    def __call__(self, batch: Batch, draw: Draw) -> Views:
        """One view of each image, under `view`."""
        size = check_sized(self)
        return {"view": render(batch, [padded(batch, draw, self)], size, self.executor)}


def padded(batch: Batch, draw: Draw, recipe: PadCrop) -> ViewParams:
    """Parameters of a shifted central square."""
    pad = round(recipe.size / 8) if recipe.pad is None else recipe.pad
    return ViewParams(
        boxes=params.center_boxes(batch.frame),
        flip=params.chance(draw, "flip", recipe.flip),
        vertical=params.chance(draw, "vertical", recipe.vertical),
        shift=params.shifts(draw, pad),
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Crop(Augmented):
    """A random resized crop, mirrored at random; color changes only where asked for.

    Args:
        blur: probability of the blur.
        solarize: probability of solarizing.
    """

    name: ClassVar[str] = "crop"
    keys: ClassVar[dict[str, str]] = ONE

    jitter: float = 0.0
    gray: float = 0.0
    blur: float = 0.0
    solarize: float = 0.0

    def params(self, batch: Batch, draw: Draw) -> ViewParams:
        """The view's parameters."""
        return self.one(
            batch,
            draw,
            check_sized(self),
            blur=self.blur or None,
            solarize=self.solarize or None,
        )

    def __call__(self, batch: Batch, draw: Draw) -> Views:
        """One view of each image, under `view`."""
        return {"view": render(batch, [self.params(batch, draw)], self.size, self.executor)}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rotations(Crop):
    """One crop, mirrored at random, then turned by 0, 1, 2 and 3 quarters.

    Source: Gidaris, Singh, Komodakis: Unsupervised Representation Learning by Predicting Image
    Rotations (2018): all four turns of an image in the batch, turned after everything else.

    Args:
        crop: `resized` draws random resized crops, `padded` shifts the central square by up to an
            eighth of the side; None takes padded below 64 pixels.
    """

    name: ClassVar[str] = "rotations"
    keys: ClassVar[dict[str, str]] = {
        "views": "[4B,3,s,s], all images unturned, then all turned by a quarter, and so on",
        "turns": "int64 [4B], counter-clockwise quarters of each view",
    }

    crop: Literal["resized", "padded"] | None = None

    def sized(self, size: int) -> Self:
        """This recipe at a view's side of `size` pixels."""
        crop = self.crop or ("padded" if size < 64 else "resized")
        return dataclasses.replace(super().sized(size), crop=crop)

    def params(self, batch: Batch, draw: Draw) -> ViewParams:
        """The unturned view's parameters."""
        found = super().params(batch, draw)
        if self.crop == "resized":
            return found
        shift = params.shifts(draw, round(self.size / 8))
        return dataclasses.replace(found, boxes=params.center_boxes(batch.frame), shift=shift)

    def __call__(self, batch: Batch, draw: Draw) -> Views:
        """Four turned views of each image and their turns."""
        view = render(batch, [self.params(batch, draw)], self.size, self.executor)
        return turned(view)


def turned(view: Tensor) -> Views:
    """All four turns of square images [B,c,s,s], rotation-major, and int64 labels."""
    views = torch.cat([geometry.rot90(view, turns) for turns in range(4)])
    turns = torch.arange(4, device=view.device).repeat_interleave(len(view))
    return {"views": views, "turns": turns}
