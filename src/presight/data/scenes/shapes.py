"""The bank of shapes: instances of ten families, each a pure function of its class and number.

The classes are the categories of Newell and Deng, How Useful is Self-Supervised Pretraining for
Visual Tasks? (CVPR 2020), in their order, so that tables line up; the shapes are our own.
"""

from __future__ import annotations

from functools import lru_cache

import torch

from presight.core.draw import Draw
from presight.data.scenes import furniture, vehicles
from presight.data.scenes.solids import Rows, Sculpture

_FAMILIES = {
    "airplane": vehicles.airplane,
    "bench": furniture.bench,
    "cabinet": furniture.cabinet,
    "car": vehicles.car,
    "chair": furniture.chair,
    "lamp": furniture.lamp,
    "sofa": furniture.sofa,
    "table": furniture.table,
    "boat": vehicles.boat,
    "motorcycle": vehicles.motorcycle,
}
CLASSES = tuple(_FAMILIES)

INSTANCES = 240
"""Shapes a class."""

SPLITS = {
    "train": (0, INSTANCES * 10 // 12),
    "validation": (INSTANCES * 10 // 12, INSTANCES * 11 // 12),
    "test": (INSTANCES * 11 // 12, INSTANCES),
}
"""Which instances a split shows, first and end: no shape is in two splits."""

_NUMBERS = 64


@lru_cache(maxsize=len(CLASSES))
def _numbers(name: str) -> list[list[float]]:
    """Uniform numbers of all instances of a class."""
    draw = Draw(0, 0, torch.arange(INSTANCES))
    found: list[list[float]] = draw.uniform(f"shape {name}", (_NUMBERS,)).tolist()
    return found


@lru_cache(maxsize=len(CLASSES) * INSTANCES)
def shape(label: int, instance: int) -> tuple[Rows, int]:
    """The parts of an instance, float32 [parts, 15], and its symmetry.

    Its box is centered at the origin and its longest side is 1.

    Args:
        label: its class, 0..9.
        instance: which one of the class, 0..239.
    """
    name = CLASSES[label]
    sculpture = Sculpture(_numbers(name)[instance])
    symmetry = _FAMILIES[name](sculpture)
    return sculpture.finish(), symmetry
