"""The families' symmetries are those of their solids."""

from __future__ import annotations

import math

import numpy as np
import pytest

from presight.data.scenes.intersect import FRUSTUM
from presight.data.scenes.shapes import CLASSES, shape
from presight.data.scenes.solids import ANY_TURN, HALF_TURN, NO_SYMMETRY, Rows, turned

FURNITURE = ("bench", "cabinet", "chair", "lamp", "sofa", "table")


def marks(rows: Rows, angle: float) -> np.ndarray:
    """Parts after a turn about z, order and directions of axes aside."""
    turn = turned("z", angle)
    center = rows[:, 3:6] @ turn.T
    axes = turn @ rows[:, 6:].reshape(-1, 3, 3)
    spread = axes @ axes.transpose(0, 2, 1)  # the ellipsoid around the part
    table = np.concatenate([rows[:, :3], center, spread.reshape(-1, 9)], 1)
    return np.array(sorted(np.round(table, 4).tolist()))


def same(rows: Rows, angle: float) -> bool:
    first, second = marks(rows, 0.0), marks(rows, angle)
    used = np.abs(first[:, None] - second[None]).max(2) < 2e-3
    return bool(used.any(0).all() and used.any(1).all())


@pytest.mark.parametrize("name", FURNITURE)
def test_symmetries_are_those_of_the_parts(name: str) -> None:
    found = set()
    for instance in range(60):
        rows, symmetry = shape(CLASSES.index(name), instance)
        found.add(symmetry)
        if symmetry == ANY_TURN:
            assert same(rows, 1.0)
        elif symmetry == HALF_TURN:
            assert same(rows, math.pi)
            assert not same(rows, 1.0)
        else:
            assert not same(rows, math.pi)
    expected = {"lamp": {NO_SYMMETRY, ANY_TURN}, "table": {HALF_TURN, ANY_TURN}}
    assert found == expected.get(name, {NO_SYMMETRY, HALF_TURN} if name == "bench" else {0})


@pytest.mark.parametrize("name", ["chair", "table"])
def test_what_stands_on_legs_stands_level(name: str) -> None:
    """The lowest solids all end at the same height."""
    for instance in range(20):
        rows, _ = shape(CLASSES.index(name), instance)
        axes = rows[:, 6:].reshape(-1, 3, 3)
        upright = (rows[:, 0] == FRUSTUM) | (rows[:, 0] == 1)
        low = (rows[:, 5] - np.abs(axes[:, 2, 2]))[upright]
        assert (np.abs(low - low.min()) < 0.03).sum() >= 1
