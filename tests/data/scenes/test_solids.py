from __future__ import annotations

import math

import numpy as np
import pytest

from presight.data.scenes import intersect
from presight.data.scenes.solids import Sculpture, turned


def test_numbers_are_used_in_order_and_fill_their_ranges() -> None:
    s = Sculpture([0.0, 0.5, 0.0, 0.999, 0.3, 0.3])
    assert s.between(2, 4) == 2
    assert s.between(2, 4) == 3
    assert s.whole(1, 3) == 1
    assert s.whole(1, 3) == 3
    assert s.chance(0.4)
    assert not s.chance(0.2)


def test_an_object_is_centered_and_its_longest_side_is_one() -> None:
    s = Sculpture([])
    s.box((3, 0, 0), (0.5, 0.1, 0.1))
    s.box((5, 0, 0), (0.5, 0.1, 0.1))
    rows = s.finish()
    np.testing.assert_allclose(rows[:, 3], [-1 / 3, 1 / 3], atol=1e-6)
    np.testing.assert_allclose(rows[:, 6:].reshape(-1, 3, 3)[0], np.diag([0.5, 0.1, 0.1]) / 3)


def test_a_rod_runs_from_end_to_end() -> None:
    start, end = np.array([0.1, 0.2, 0.3]), np.array([0.5, -0.4, 0.9])
    s = Sculpture([])
    s.rod(start, end, 0.05, tip=0.5)
    kind, parameter, _, *rest = s._parts[0]
    axes = np.reshape(rest[3:], (3, 3))
    assert (kind, parameter) == (intersect.FRUSTUM, 0.5)
    np.testing.assert_allclose(rest[:3] - axes[:, 2], start)
    np.testing.assert_allclose(rest[:3] + axes[:, 2], end)
    lengths = np.linalg.norm(axes, axis=0)
    np.testing.assert_allclose(lengths, [0.05, 0.05, np.linalg.norm(end - start) / 2])
    assert np.linalg.det(axes) == pytest.approx(np.prod(lengths))


def test_a_tire_reaches_its_radius_and_turns_about_y() -> None:
    s = Sculpture([])
    s.tire((0, 0, 0), 0.5, 0.25)
    rows = s.finish()
    reach = np.abs(rows[0, 6:].reshape(3, 3)) @ np.array([1.25, 1.25, 0.25])
    np.testing.assert_allclose(reach, [0.5, 0.1, 0.5], atol=1e-6)


def test_legs_stand_on_the_floor_further_apart_below() -> None:
    s = Sculpture([])
    s.legs((0.3, 0.2), 0.5, 0.02, splay=0.1)
    for row in s._parts:
        axes = np.reshape(row[6:], (3, 3))
        foot, top = row[3:6] - axes[:, 2], row[3:6] + axes[:, 2]
        assert foot[2] == pytest.approx(0)
        np.testing.assert_allclose(np.abs(top), [0.3, 0.2, 0.5])
        np.testing.assert_allclose(np.abs(foot), [0.4, 0.3, 0], atol=1e-12)


@pytest.mark.parametrize("axis", ["x", "y", "z"])
def test_turns_keep_their_axis(axis: str) -> None:
    matrix = turned(axis, 0.3)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-12)
    assert matrix["xyz".index(axis), "xyz".index(axis)] == 1
    assert np.trace(matrix) == pytest.approx(1 + 2 * math.cos(0.3))
