"""What recipes of random crops share: the options, their ranges, and one view's draws."""

from __future__ import annotations

import dataclasses
import math
from typing import Self

from presight.core.batch import Batch
from presight.core.draw import Draw
from presight.core.ranges import NOT_NEGATIVE, SHARE, Range
from presight.core.recipe import Recipe
from presight.errors import UsageError
from presight.views import params
from presight.views.params import ViewParams
from presight.views.rand_augment import HIGHEST, draw_rand_augment

SPANS = ("scale", "small_scale", "ratio", "sigma", "zoom")
"""Options of two numbers, the smaller one first."""

RANGES: dict[str, Range] = {
    **dict.fromkeys(("flip", "vertical", "jitter", "gray", "blur", "solarize", "share"), SHARE),
    **dict.fromkeys(("scale", "small_scale"), Range(0, 1, open_low=True)),
    **dict.fromkeys(("ratio", "sigma", "zoom"), Range(0, open_low=True)),
    **dict.fromkeys(("grid", "patch", "small_size"), Range(1)),
    "magnitude": Range(0, HIGHEST),
}
"""Option -> its range; 0 or more for every other number."""


def check_fields(recipe: Recipe) -> None:
    """Refuse values out of range.

    Raises:
        UsageError: naming the recipe, the field and its value.
    """
    for field in dataclasses.fields(recipe):
        value = getattr(recipe, field.name)
        problem = None if value is None else _problem(field.name, value)
        if problem:
            raise UsageError(
                f"views {recipe.name}: {field.name} = {value!r}, but it must be {problem}. "
                f"Change {field.name} in the views' options."
            )


def _problem(name: str, value: object) -> str | None:
    numbers = value if isinstance(value, tuple) else (value,)
    if not all(isinstance(number, int | float) for number in numbers):
        return None
    bounds = RANGES.get(name, NOT_NEGATIVE)
    if not all(math.isfinite(number) and bounds.holds(number) for number in numbers):
        return bounds.words()
    if name in SPANS and numbers[0] > numbers[1]:
        return "two numbers, the smaller one first"
    return None


def check_sized(recipe: Recipe) -> int:
    """The side of a view.

    Raises:
        UsageError: if the recipe has no size yet.
    """
    if recipe.size <= 0:
        raise UsageError(
            f"views {recipe.name}: size = {recipe.size}, but it must be above 0. "
            "Call recipe.sized(pixels) first."
        )
    return recipe.size


@dataclasses.dataclass(frozen=True, kw_only=True)
class Augmented(Recipe):
    """Random resized crops with flips and color changes.

    Args:
        scale: least and greatest share of the image's area that a crop takes, in (0, 1].
        ratio: least and greatest width / height of a crop.
        flip: probability of mirroring left and right.
        vertical: probability of mirroring top and bottom, for images without an up.
        strength: multiplies `color`; None takes the recipe's value for the size.
        color: half-widths of brightness, contrast, saturation and hue.
        jitter: probability of the color jitter.
        gray: probability of gray.
        sigma: least and greatest standard deviation of the blur, pixels.
        rotation: greatest rotation either way, degrees; 0 is none.
        translation: greatest shift either way, as a share of the side; 0 is none.
        zoom: least and greatest scaling of a crop's content.
        cutout: side of a square hole as a share of the view's; 0 is none.
        rand_augment: number of RandAugment's ops before the color jitter; 0 is none.
        magnitude: strength of RandAugment's ops, 0 to 30.
    """

    scale: tuple[float, float] = (0.08, 1.0)
    ratio: tuple[float, float] = (3 / 4, 4 / 3)
    flip: float = 0.5
    vertical: float = 0.0
    strength: float | None = None
    color: tuple[float, float, float, float] = (0.8, 0.8, 0.8, 0.2)
    jitter: float = 0.8
    gray: float = 0.2
    sigma: tuple[float, float] = (0.1, 2.0)
    rotation: float = 0.0
    translation: float = 0.0
    zoom: tuple[float, float] = (1.0, 1.0)
    cutout: float = 0.0
    rand_augment: int = 0
    magnitude: float = 9.0

    def __post_init__(self) -> None:
        check_fields(self)

    def sized(self, size: int) -> Self:
        """This recipe at a view's side of `size` pixels; options left to the size are set."""
        strength = 1.0 if self.strength is None else self.strength
        return dataclasses.replace(self, size=size, strength=strength)

    def one(
        self,
        batch: Batch,
        draw: Draw,
        size: int,
        *,
        scale: tuple[float, float] | None = None,
        blur: float | None = None,
        solarize: float | None = None,
        early_gray: bool = False,
    ) -> ViewParams:
        """One view's parameters.

        Args:
            batch: images and frames.
            draw: this view's own fork.
            size: side of this view, pixels.
            scale: another range of areas than the recipe's.
            blur: probability of the blur; None where no view of the recipe is ever blurred.
            solarize: probability of solarizing; None where no view ever is.
            early_gray: gray before the jitter.
        """
        gray = params.chance(draw, "gray", self.gray)
        return ViewParams(
            boxes=params.crop_boxes(draw, batch.frame, scale or self.scale, self.ratio),
            flip=params.chance(draw, "flip", self.flip),
            vertical=params.chance(draw, "vertical", self.vertical),
            warp=params.warps(draw, size, self.rotation, self.translation, self.zoom),
            rand_augment=draw_rand_augment(draw, self.rand_augment, self.magnitude, size),
            early_gray=gray if early_gray else None,
            jitter=params.jitter(draw, self._widths(), self.jitter),
            gray=None if early_gray else gray,
            sigma=None if blur is None else params.blur_sigma(draw, blur, self.sigma),
            solarize=None if solarize is None else draw.uniform("solarize") < solarize,
            cutout=params.cutout_boxes(draw, size, self.cutout),
        )

    def _widths(self) -> tuple[float, ...]:
        strength = 1.0 if self.strength is None else self.strength
        return tuple(
            min(width * strength, 0.5) if i == params.HUE else width * strength
            for i, width in enumerate(self.color)
        )
