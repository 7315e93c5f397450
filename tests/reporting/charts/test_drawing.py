from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

import pytest
from matplotlib.axes import Axes

from presight.reporting.charts import drawing
from presight.reporting.charts.drawing import Size, Told, beside, both, head, single, thinned
from reporting.charts.svg import roots, texts

SIZE = Size(360, 220)


def named(text: str) -> drawing.Paint:
    def paint(axes: Axes, narrow: bool) -> None:
        axes.plot([1, 2], [1, 2], color=drawing.ACCENT)
        head(axes, "narrow" if narrow else "wide")
        beside(axes, 2, 2, text)

    return paint


def test_text_is_text_and_colors_are_the_pages() -> None:
    svg = single(named("a label"), "s", Told("t", "d"), SIZE)
    assert "a label" in texts(svg)
    assert "var(--accent)" in svg
    assert "var(--sans)" in svg
    assert "DejaVu" not in svg
    assert not re.findall(r"#[0-9a-f]{6}", svg)


def test_every_token_has_its_own_color() -> None:
    assert len(set(drawing._TOKENS.values())) == len(drawing._TOKENS)
    assert len(drawing.COLORS) == drawing.SERIES


def test_a_wide_and_a_narrow_drawing_have_names_of_their_own() -> None:
    svg = both(named("x"), "c", Told("Title", "numbers"), Size(736, 400), SIZE)
    wide, narrow = roots(svg)
    assert (wide.get("class"), narrow.get("class")) == ("w", "n")
    assert "wide" in texts(ElementTree.tostring(wide, "unicode"))
    assert "narrow" in texts(ElementTree.tostring(narrow, "unicode"))
    ids = re.findall(r' id="([^"]*)"', svg)
    assert len(ids) == len(set(ids))
    assert all(one.startswith(("c-w-", "c-n-")) for one in ids)
    used = set(re.findall(r'(?:url\(#|href="#)([^)"]*)', svg))
    assert used
    assert used <= set(ids)


def test_a_drawing_says_what_it_shows() -> None:
    (root,) = roots(single(named("x"), "c", Told("Title", "1 & 2"), SIZE))
    assert root.get("role") == "img"
    first, second = root[0], root[1]
    assert (first.text, second.text) == ("Title", "1 & 2")
    assert root.get("aria-labelledby") == f"{first.get('id')} {second.get('id')}"


@pytest.mark.parametrize(
    "name", ["$x_1$", "a $ b", r"$\frac{1}{0}$", "<b>&", "\u6f22\u5b57", "\u202eabc"]
)
def test_names_are_drawn_as_they_are(name: str) -> None:
    assert name in texts(single(named(name), "s", Told("t", "d"), SIZE))


def test_a_long_curve_is_thinned_and_keeps_its_ends() -> None:
    values = [float(i) for i in range(100_000)]
    at, kept = thinned(values, values, 400)
    assert at == kept
    assert len(at) <= 401
    assert (kept[0], kept[-1]) == (0.0, 99_999.0)
    assert thinned([1.0], [2.0]) == ([1.0], [2.0])
