from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from presight.reporting.charts.embedding_map import (
    HEIGHT,
    NAMED,
    WIDTH,
    apart,
    embedding_map,
    placed,
)
from reporting.charts.svg import roots, texts


def points(n: int) -> np.ndarray:
    return placed(np.random.default_rng(0).normal(size=(n, 2)))


def test_places_fill_the_drawing_in_one_scale() -> None:
    at = placed(np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 1.0]]))
    assert at.min() > 0
    assert (at <= [WIDTH, HEIGHT]).all()
    across = at[1] - at[0]
    up = at[2] - at[0]
    assert across[0] == pytest.approx(10 * -up[1], abs=1.0)
    assert (across[1], up[0]) == (0.0, 0.0)


@pytest.mark.parametrize("places", [np.zeros((1, 2)), np.zeros((5, 2)), np.full((2, 2), 1e300)])
def test_images_in_one_place_stand_in_the_middle(places: np.ndarray) -> None:
    assert placed(places).tolist() == [[WIDTH / 2, HEIGHT / 2]] * len(places)


def test_every_image_is_one_dot() -> None:
    at = points(100)
    svg = embedding_map(at, [i % 3 for i in range(100)], ["a", "b", "c"], [], "m", "told")
    assert svg.count("h0") == 100
    assert {"a", "b", "c"} <= set(texts(svg))
    assert re.findall(r'data-g="(\d)"', svg) == ["0", "1", "2"]
    roots(svg)


def test_classes_differ_by_color_then_by_shape_and_many_are_gray() -> None:
    at = points(64)
    few = embedding_map(
        at, [i % NAMED for i in range(64)], [f"k{i}" for i in range(NAMED)], [], "m", ""
    )
    styles = re.findall(r'class="dots ([^"]*)"', few)
    assert len(set(styles)) == NAMED
    many = embedding_map(at, list(range(64)), [f"k{i}" for i in range(64)], [], "m", "")
    assert set(re.findall(r'class="dots ([^"]*)"', many)) == {"soft"}
    assert not texts(many)


def test_odd_images_get_a_ring() -> None:
    svg = embedding_map(points(10), [0] * 10, [""], [2, 5], "m", "")
    ring = re.search(r'class="dots ring"[^>]* d="([^"]*)"', svg)
    assert ring is not None
    assert ring[1].count("h0") == 2


def test_names_are_escaped() -> None:
    svg = embedding_map(points(4), [0, 0, 1, 1], ["<b>&", "$x$"], [], "m", "<i>")
    assert {"<b>&", "$x$"} <= set(texts(svg))


@given(
    st.lists(st.tuples(st.floats(0, WIDTH), st.floats(0, HEIGHT), st.floats(5, 90)),
             min_size=1, max_size=16)
)  # fmt: skip
def test_names_do_not_cover_each_other(boxes: list[tuple[float, float, float]]) -> None:
    x, y, half = ([box[i] for box in boxes] for i in range(3))
    found = apart(x, y, half)
    for i in range(len(boxes)):
        for j in range(i):
            if abs(x[i] - x[j]) < half[i] + half[j]:
                assert abs(found[i] - found[j]) >= 25 - 1e-9
