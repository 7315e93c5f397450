"""What kinds of tasks, worlds, backbones and methods there are, as claims speak of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal, NamedTuple

from presight.core import registry
from presight.nn import catalog
from presight.studies.claims.wording import listed


class Kind(NamedTuple):
    """What a task asks for.

    Args:
        about: what things are, or where and how they lie.
        answer: all over the image, or one for the whole.
    """

    about: Literal["semantic", "geometric"]
    answer: Literal["dense", "single"]


TASKS: dict[str, Kind] = {
    "classification": Kind("semantic", "single"),
    "multilabel": Kind("semantic", "single"),
    "detection": Kind("semantic", "dense"),
    "segmentation": Kind("semantic", "dense"),
    "depth": Kind("geometric", "dense"),
    "keypoints": Kind("geometric", "dense"),
    "pose": Kind("geometric", "single"),
    "pose5": Kind("geometric", "single"),
}

_FACTORS = re.compile(r"TCVL=([01]+)")


def factors(world: str) -> int | None:
    """How many factors of the embedded scenes vary in a world, or None where its name says none.

    Names as in "TCVL=1011": texture, color, viewpoint and lighting, 1 where it varies.
    """
    found = _FACTORS.search(world)
    return found[1].count("1") if found else None


def size(backbone: str) -> tuple[str, int, int]:
    """A backbone's family, its place by size there, and its width; "" for no known family."""
    name = catalog.canonical(backbone)
    if catalog.is_native(name):
        return name.partition(":")[0], 0, catalog.native_width(name)
    family = catalog.family_of(name)
    if not family:
        return "", 0, 0
    plain = name.partition(":")[0]
    return family, catalog.FAMILIES[family].index(plain), catalog.first_width(name)


LOSSES = {"contrastive": "contrastive", "generative": "pixels"}
"""By family, of methods whose card says no other."""


def loss(method: str) -> str:
    """What a method learns by, in a word of its card or its family; "" where neither says it."""
    card = registry.entries().get(method)
    return "" if card is None else card.loss or LOSSES.get(card.family, "")


def lacking(methods: Iterable[str], measured: Iterable[str]) -> str:
    """What is not there of some methods, in words: presight has them not, or the study."""
    absent = [method for method in methods if method not in set(measured)]
    unknown = [method for method in absent if method not in registry.entries()]
    left = [method for method in absent if method not in unknown]
    verb = "has" if len(unknown) == 1 else "have"
    parts = [f"{listed(unknown)} {verb} not landed."] if unknown else []
    parts += [f"Not in this study: {listed(left)}."] if left else []
    return " ".join(parts)
