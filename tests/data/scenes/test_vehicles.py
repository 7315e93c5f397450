from __future__ import annotations

import numpy as np
import pytest

from presight.data.scenes.intersect import TORUS
from presight.data.scenes.shapes import CLASSES, shape
from presight.data.scenes.solids import DARK, NO_SYMMETRY

VEHICLES = ("airplane", "boat", "car", "motorcycle")


@pytest.mark.parametrize("name", VEHICLES)
def test_vehicles_have_a_front_and_lie_along_x(name: str) -> None:
    for instance in range(40):
        rows, symmetry = shape(CLASSES.index(name), instance)
        assert symmetry == NO_SYMMETRY
        reach = np.abs(rows[:, 6:].reshape(-1, 3, 3)).sum(2)
        length, width, _ = ((rows[:, 3:6] + reach).max(0) - (rows[:, 3:6] - reach).min(0)).tolist()
        if name != "airplane":
            assert length > 1.3 * width


@pytest.mark.parametrize("name", VEHICLES)
def test_left_and_right_are_alike_but_for_an_exhaust(name: str) -> None:
    for instance in range(40):
        rows, _ = shape(CLASSES.index(name), instance)
        aside = rows[np.abs(rows[:, 4]) > 1e-4]
        mirrored = aside[:, [0, 3, 4, 5]] * np.array([1, 1, -1, 1])
        off = np.abs(mirrored[:, None] - aside[None, :, [0, 3, 4, 5]]).max(2)
        alone = (off > 1e-4).all(1)
        assert alone.sum() <= (name == "motorcycle")
        assert len(aside) or name == "boat"


def test_wheels_are_dark_and_come_in_pairs() -> None:
    for instance in range(20):
        car, _ = shape(CLASSES.index("car"), instance)
        assert (np.abs(car[:, 2] - DARK) < 1e-6).sum() >= 4
        motorcycle, _ = shape(CLASSES.index("motorcycle"), instance)
        assert (motorcycle[:, 0] == TORUS).sum() == 2
