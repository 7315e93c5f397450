"""Names of recipes and where they are; recipes from and to plain options. No torch here."""

from __future__ import annotations

import dataclasses
import importlib
import types
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, Union, get_args, get_origin, get_type_hints

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
    """The class of a recipe.

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

    Raises:
        UsageError: for an unknown name.
    """
    return recipe_class(name)().sized(size)


def to_options(made: Recipe) -> dict[str, object]:
    """A recipe as plain words, numbers and lists, for a configuration file."""
    options: dict[str, object] = {"name": made.name}
    for field in dataclasses.fields(made):
        value = getattr(made, field.name)
        options[field.name] = list(value) if isinstance(value, tuple) else value
    return options


def from_options(options: Mapping[str, object]) -> Recipe:
    """A recipe of plain words, numbers and lists; what is left out takes its default.

    Raises:
        UsageError: naming the field that is unknown, of a wrong kind or out of range.
    """
    name = options.get("name")
    if not isinstance(name, str):
        raise UsageError(f"views: name = {name!r}, but a recipe's name was expected. Add it.")
    kind = recipe_class(name)
    hints = get_type_hints(kind)
    fields = {field.name for field in dataclasses.fields(kind)}
    found: dict[str, object] = {}
    for key, value in options.items():
        if key == "name":
            continue
        if key not in fields:
            raise UsageError(
                f"views {name}: option {key!r} is not known; there are "
                f"{', '.join(sorted(fields))}. Correct or remove it."
            )
        found[key] = _converted(value, hints[key], f"views {name}: {key}")
    return kind(**found)  # type: ignore[arg-type]


def _converted(value: object, hint: object, where: str) -> object:
    """The value as the hint's kind; integers are taken for floats, lists for tuples."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        if value is None and type(None) in parts:
            return None
        return _converted(value, next(part for part in parts if part is not type(None)), where)
    if origin is Literal:
        fits, wanted = value in parts, f"one of {', '.join(map(repr, parts))}"
    elif origin is tuple:
        fits = isinstance(value, list | tuple) and len(value) == len(parts)
        wanted = f"a list of {len(parts)} numbers"
        if fits and isinstance(value, list | tuple):
            return tuple(_converted(v, p, where) for v, p in zip(value, parts, strict=True))
    elif hint is float:
        fits, wanted = isinstance(value, int | float) and not isinstance(value, bool), "a number"
        value = float(value) if fits else value  # type: ignore[arg-type]
    else:
        kind = hint if isinstance(hint, type) else object
        fits = isinstance(value, kind) and isinstance(value, bool) == (kind is bool)
        wanted = {int: "a whole number", bool: "true or false"}.get(kind, "a word")
    if not fits:
        raise UsageError(f"{where} = {value!r}, but {wanted} was expected. Correct it.")
    return value
