from __future__ import annotations

import math

import numpy as np
import pytest

from presight.data.labels.boxes import Boxes
from presight.data.labels.problems import Problem


@pytest.mark.parametrize(
    ("corners", "kept", "what"),
    [
        ((1, 2, 30, 20), (1, 2, 30, 20), None),
        ((0, 0, 32, 24), (0, 0, 32, 24), None),
        ((-3, -4, 40, 20), (0, 0, 32, 20), "box over the image's edge"),
        ((32, 2, 40, 9), None, "box outside the image"),
        ((5, -9, 9, 0), None, "box outside the image"),
        ((5, 5, 5, 9), None, "box without an area"),
        ((9, 5, 5, 9), None, "box without an area"),
        ((31.5, 5, 40, 9), None, "box less than a pixel wide or high"),
        ((math.nan, 1, 2, 3), None, "box with a number that is not finite"),
        ((0, 0, math.inf, 3), None, "box with a number that is not finite"),
    ],
)
def test_boxes_are_cut_or_dropped_and_told(
    corners: tuple[float, ...], kept: tuple[float, ...] | None, what: str | None
) -> None:
    boxes, problems = Boxes(24, 32), list[Problem]()
    boxes.add(corners, 1, problems, "here")
    assert boxes.target().boxes.tolist() == ([list(kept)] if kept else [])
    assert [problem.what for problem in problems] == ([what] if what else [])


def test_repeated_boxes_areas_and_types() -> None:
    boxes, problems = Boxes(24, 32), list[Problem]()
    boxes.add((1, 1, 5, 5), 0, problems, "a", crowd=True, area=7.5)
    boxes.add((1, 1, 5, 5), 1, problems, "b")
    boxes.add((1, 1, 5, 5), 0, problems, "c")
    boxes.add((2, 2, 4, 8), 0, problems, "d", area=-1)
    assert [problem.place for problem in problems] == ["c", "d"]
    target = boxes.target()
    assert target.area.tolist() == [7.5, 16, 12]
    assert target.crowd.tolist() == [True, False, False]
    kinds = [array.dtype for array in (target.boxes, target.labels, target.crowd, target.area)]
    assert kinds == [np.float32, np.int64, np.bool_, np.float32]
    assert Boxes(24, 32).target().boxes.shape == (0, 4)
