"""Names of recipes and where they are. No torch here."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from presight.errors import UsageError

if TYPE_CHECKING:
    from presight.core.recipe import Recipe

PLACES = {
    "simclr": "pairs:SimCLRPair",
    "moco-v1": "pairs:MoCoV1Pair",
    "moco-v2": "pairs:MoCoV2Pair",
    "byol": "pairs:BYOLPair",
    "center": "single:Center",
    "flip": "single:Flip",
    "pad-crop": "single:PadCrop",
    "crop": "single:Crop",
    "rotations": "single:Rotations",
    "swav": "multicrop:SwAVCrops",
    "dino": "multicrop:DINOCrops",
    "patches": "partial:Patches",
    "lab": "partial:Lab",
    "masked": "partial:Masked",
    "noisy": "partial:Noisy",
}


def names() -> tuple[str, ...]:
    """Names of all recipes."""
    return tuple(PLACES)


def recipe_class(name: str) -> type[Recipe]:
    """The class of a recipe; its fields are the recipe's options.

    Args:
        name: one of `names()`.

    Raises:
        UsageError: for an unknown name.
    """
    if name not in PLACES:
        raise UsageError(
            f"views {name!r} are not known; there are {', '.join(PLACES)}. Choose one of them."
        )
    module, _, kind = PLACES[name].partition(":")
    found: type[Recipe] = getattr(importlib.import_module(f"presight.views.{module}"), kind)
    return found


def recipe(name: str, *, size: int) -> Recipe:
    """A recipe with its defaults for a size.

    Args:
        name: one of `names()`.
        size: side of a view, pixels.

    Returns:
        Called with a batch and a draw it gives float views in [0, 1], by name.

    Raises:
        UsageError: for an unknown name.

    Example:
        >>> import presight
        >>> import torch
        >>> images = torch.randint(0, 256, (4, 3, 40, 48), dtype=torch.uint8)
        >>> batch = presight.Batch.of(images)
        >>> draw = presight.Draw(0, 0, batch.index)  # seed, epoch, samples
        >>> presight.views.recipe("simclr", size=32)(batch, draw)["views"].shape
        torch.Size([8, 3, 32, 32])
    """
    return recipe_class(name)().sized(size)
