"""Answers on pictures: what is drawn is where it belongs, and colors can be told apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from evaluation.tasks.making import opened
from presight.evaluation.tasks.average_precision import Detections
from presight.evaluation.tasks.drawn import COLORS, color, drawn
from presight.evaluation.tasks.sets import TASKS

GRAY = np.full((60, 80, 3), 128, np.uint8)
NAMES = ("cat", "dog", "cow")
SCALE = 4
"""By which the picture is enlarged."""


def at(made: NDArray[np.uint8], x: float, y: float) -> tuple[int, ...]:
    """The color at a place of the small picture."""
    return tuple(made[int(y * SCALE), int(x * SCALE)].tolist())


def found(*boxes: tuple[float, ...], score: float = 0.9, label: int = 1) -> Detections:
    held = np.array(boxes, np.float32).reshape(-1, 4)
    return Detections(held, np.full(len(held), score, np.float32), np.full(len(held), label))


@pytest.mark.parametrize("name", TASKS)
def test_every_task_draws_its_truth(name: str) -> None:
    source, images = opened("scenes:4?size=16", TASKS[name].reads)
    task = TASKS[name].of(source, images, size=16)
    picture = source.decode(1)
    made = drawn(name, picture, task.truth(1), task.names)
    assert made.dtype == np.uint8
    assert made.shape[0] > made.shape[1] == 224  # words stand beneath
    assert made[224:].std() > 0
    if name in ("classification", "pose5", "multilabel"):
        assert np.array_equal(made[:224], picture.repeat(14, 0).repeat(14, 1))
    else:
        assert not np.array_equal(made[:224], picture.repeat(14, 0).repeat(14, 1))


def test_a_box_is_drawn_at_its_edges_in_its_classes_color() -> None:
    made = drawn("detection", GRAY, found((10, 20, 30, 50)), NAMES)
    for x, y in ((10, 35), (29.9, 35), (20, 20), (20, 49.9)):
        assert at(made, x, y) == COLORS[1]
    for x, y in ((20, 35), (5, 35), (35, 35), (20, 55)):
        assert at(made, x, y) == (128, 128, 128)
    unsure = drawn("detection", GRAY, found((10, 20, 30, 50), score=0.2), NAMES)
    assert (unsure[: 60 * SCALE] == 128).all()


def test_classes_tint_and_what_counts_neither_way_stays() -> None:
    plane = np.zeros((60, 80), np.uint8)
    plane[:, 40:] = 2
    plane[30:] = 255
    made = drawn("segmentation", GRAY, plane, NAMES)
    first, second = at(made, 10, 10), at(made, 60, 10)
    for made_, wanted in ((first, COLORS[0]), (second, COLORS[2])):
        assert made_ == pytest.approx([0.45 * 128 + 0.55 * c for c in wanted], abs=0.6)
    assert at(made, 10, 50) == at(made, 60, 50) == (128, 128, 128)


def test_near_is_bright_and_unknown_shows_the_picture() -> None:
    plane = np.linspace(1, 9, 80, dtype=np.float32)[None].repeat(60, 0)
    plane[40:] = 0
    made = drawn("depth", GRAY, plane)
    light = [sum(at(made, x, 10)) for x in (2, 40, 77)]
    assert light[0] > light[1] > light[2]
    assert at(made, 10, 50) == (42, 42, 42)
    assert (drawn("depth", GRAY, np.zeros_like(plane))[: 60 * SCALE] == 128).all()


def test_points_are_discs_and_unknown_ones_are_left_out() -> None:
    given = np.array([[20, 30, 1], [60, 15, 0], [40, 45, 0.004]], np.float32)
    made = drawn("keypoints", GRAY, given, NAMES)
    assert at(made, 20, 30) == COLORS[0]
    assert at(made, 40, 45) == COLORS[2]
    assert at(made, 60, 15) == (128, 128, 128)


def test_an_upright_object_points_up_and_another_does_not() -> None:
    up = drawn("pose", GRAY, np.array([1, 0, 0, 0], np.float32))
    down = drawn("pose", GRAY, np.array([0, 1, 0, 0], np.float32))

    def middle(made: NDArray[np.uint8]) -> float:
        return float(np.mean(np.nonzero((made[: 60 * SCALE] == color(2)).all(2))[0]))

    corner = 60 * SCALE - 60 * SCALE // 6
    assert middle(up) < corner < middle(down)


def test_nothing_is_said_where_nothing_is_found() -> None:
    empty: list[tuple[str, Any]] = [
        ("detection", found()),
        ("multilabel", np.zeros(3, np.float32)),
        ("keypoints", np.zeros((3, 3), np.float32)),
        ("segmentation", np.full((60, 80), 255, np.uint8)),
    ]
    for name, answer in empty:
        made = drawn(name, GRAY, answer, NAMES)
        assert (made[: 60 * SCALE] == 128).all()
        assert made[60 * SCALE :].min() < 100


def test_large_pictures_keep_their_size_and_any_name_can_be_written() -> None:
    picture = np.zeros((500, 300, 3), np.uint8)
    many = np.full(40, 1 / 40, np.float32)
    names = [f"Müller \u4e2d\n{number} " + "x" * 400 for number in range(40)]
    made = drawn("multilabel", picture, np.ones(40, np.float32), names)
    assert made.shape[1] == 300
    assert 500 < made.shape[0] < 650  # of forty lines the first five, and how many more
    assert drawn("classification", picture, many, names).shape[1] == 300


def light(channel: int) -> float:
    value = channel / 255
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def seen(rgb: tuple[int, ...]) -> NDArray[np.float64]:
    """A color as by an eye without red cones (Viénot, Brettel, Mollon 1999), linear light."""
    r, g, b = (light(c) for c in rgb)
    mixed = 0.11238 * r + 0.88762 * g
    return np.array([mixed, 0.00401 * r - 0.00401 * g + b])


def test_colors_differ_for_an_eye_without_red_cones() -> None:
    for first in range(8):
        for second in range(first):
            one, other = (np.sqrt(seen(color(c)).clip(0)) for c in (first, second))
            apart = np.abs(one - other)
            assert apart.max() > 0.08, (first, second)
    assert len({color(number) for number in range(24)}) == 24
