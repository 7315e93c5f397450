from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from presight.reporting.charts.drawing import Size
from presight.reporting.charts.labels import at_right, spread_apart


class Axes:
    """100 pixels high, of 10 units; keeps what is written."""

    def __init__(self) -> None:
        self.written: list[tuple[str, float, float]] = []

    def get_xlim(self) -> tuple[float, float]:
        return 0.0, 7.0

    def get_ylim(self) -> tuple[float, float]:
        return 0.0, 10.0

    def annotate(self, text: str, at: tuple[float, float], **style: object) -> None:
        self.written.append((text, *at))


def test_names_stand_right_of_their_lines_a_line_of_type_apart() -> None:
    axes = Axes()
    ends = [("a", 5.0, {}), ("b", 5.0, {}), ("c", 9.0, {})]
    at_right(axes, Size(360, 100, top=0, bottom=0), ends)  # type: ignore[arg-type]
    assert axes.written == [("a", 7.0, 4.25), ("b", 7.0, 5.75), ("c", 7.0, 9.0)]


PLACES = st.lists(st.floats(-100, 100), min_size=1, max_size=12)
ROUND = 1e-9


@given(PLACES, st.floats(0.1, 20))
def test_neighbors_are_a_gap_apart_and_keep_their_order(places: list[float], gap: float) -> None:
    found = spread_apart(places, gap)
    order = sorted(range(len(places)), key=lambda i: places[i])
    for first, second in pairwise(order):
        assert found[second] - found[first] >= gap - ROUND


@given(PLACES, st.floats(0.1, 20))
def test_their_middle_stays(places: list[float], gap: float) -> None:
    """Least squares moves pools about their mean, so the sum of all moves is 0."""
    assert sum(spread_apart(places, gap)) == pytest.approx(sum(places), abs=1e-6)


def test_far_ones_stay_where_they_are() -> None:
    assert spread_apart([3.0, -2.0, 10.0], 1.0) == [3.0, -2.0, 10.0]


def test_equal_ones_part_about_their_place() -> None:
    assert spread_apart([5.0, 5.0, 5.0], 2.0) == [3.0, 5.0, 7.0]


@given(PLACES)
def test_no_other_places_are_nearer(places: list[float]) -> None:
    gap = 3.0
    found = np.array(spread_apart(places, gap))
    least = float(((found - places) ** 2).sum())
    order = np.argsort(places, kind="stable")
    generator = np.random.default_rng(0)
    for _ in range(50):
        other = np.sort(np.asarray(places)[order] + generator.normal(0, 5, len(places)))
        for i in range(1, len(other)):
            other[i] = max(other[i], other[i - 1] + gap)
        assert ((other - np.asarray(places)[order]) ** 2).sum() >= least - 1e-6


def test_bounds_hold_where_there_is_room() -> None:
    found = spread_apart([9.0, 9.5, 10.0], 2.0, 0.0, 10.0)
    assert found == [6.0, 8.0, 10.0]
    assert spread_apart([0.0, 0.5], 2.0, 0.0, 10.0) == [0.0, 2.0]
    assert spread_apart([], 1.0) == []
