from __future__ import annotations

import re
from itertools import pairwise

import pytest

from presight.reporting.charts.label_curve import Line, Place, label_curve, readings
from reporting.charts.svg import roots, texts


def line(
    name: str, level: float, role: str = "ink", counts: tuple[int, ...] = (50, 200, 1000)
) -> Line:
    places = [Place(n, level + i / 10, level + i / 10 - 0.03, level + i / 10 + 0.03,
                    (level + i / 10 - 0.01, level + i / 10 + 0.01))
              for i, n in enumerate(counts)]  # fmt: skip
    return Line(name, places, role)


USUAL = [line("pretrained", 0.5, "main"), line("untrained", 0.31), line("raw pixels", 0.3, "soft")]


def test_names_stand_at_the_lines_and_do_not_collide() -> None:
    svg = label_curve(USUAL, 0.1, "c")
    for root in roots(svg):
        places = {}
        for node in root.iter():
            if node.tag.endswith("text"):
                found = re.search(r"translate\(([\d.]+) ([\d.]+)\)|y=\"([\d.]+)\"", _raw(node))
                assert found is not None
                places["".join(node.itertext())] = float(found[2] or found[3])
        heights = sorted(places[name] for name in ("pretrained", "untrained", "raw pixels"))
        assert all(b - a > 9 for a, b in pairwise(heights)), places
        assert "blind guess" in places


def _raw(node: object) -> str:
    import xml.etree.ElementTree as ElementTree

    return ElementTree.tostring(node, "unicode")  # type: ignore[arg-type]


def test_the_axis_of_labels_is_logarithmic_and_has_the_counts() -> None:
    svg = label_curve(USUAL, None, "c")
    wide = texts(svg)
    assert {"50", "200", "1,000", "1k"} <= set(wide)
    told = readings(USUAL)
    x = told["x"]
    assert isinstance(x, list)
    assert (x[1] - x[0]) / (x[2] - x[1]) == pytest.approx(0.861, abs=0.01)  # log 4 / log 5


def test_readings_stand_where_the_axis_has_them() -> None:
    """The script's line and the drawing's ticks are at the same places, on a logarithmic axis."""
    told = readings(USUAL)
    for kind, root in zip("wn", roots(label_curve(USUAL, None, "c")), strict=True):
        width = float((root.get("viewBox") or "").split()[2])
        ticks = {"".join(node.itertext()): float(node.get("x") or "nan") for node in root.iter()
                 if node.tag.endswith("text")}  # fmt: skip
        left, right = told["box"][kind][:2]  # type: ignore[index]
        last = "1,000" if kind == "w" else "1k"
        for n, x in zip(("200", last), told["x"][1:], strict=True):  # type: ignore[index]
            assert ticks[n] / width == pytest.approx(left + (right - left) * x, abs=0.004)


def test_every_seed_is_a_dot() -> None:
    several = label_curve([line("a", 0.5)], None, "c")
    once = label_curve([Line("a", [Place(50, 0.5, 0.4, 0.6), Place(99, 0.5, 0.4, 0.6)])], None, "c")
    assert several.count("<use") - once.count("<use") >= 2 * 6


def test_numbers_stand_in_the_description() -> None:
    assert "untrained: 50 labels 31.0 %, 200 labels 41.0 %" in label_curve(USUAL, None, "c")


def test_readings_are_empty_where_nothing_was_measured() -> None:
    told = readings([line("a", 0.5), line("b", 0.2, counts=(200,))])
    lines = told["lines"]
    assert isinstance(lines, dict)
    assert told["n"] == [50, 200, 1000]
    assert lines["b"] == ["", "20.0 % (17.0 to 23.0)", ""]


def test_lines_differ_by_more_than_color() -> None:
    runs = [Line(f"run {i}", USUAL[0].places, "series", i) for i in range(8)]
    assert len({(one.color, str(one.dashes)) for one in runs}) == 8
    assert len({str(one.dashes) for one in runs[:4]}) == 4
    shades = [one.dashes for one in USUAL]
    assert shades[0] != shades[1]


def test_one_number_of_labels_is_enough() -> None:
    assert "100" in texts(label_curve([line("a", 0.5, counts=(100,))], 0.1, "c"))
    assert "$" in texts(label_curve([Line("$", [Place(1, 0.0, 0.0, 0.0)])], None, "c"))


def test_quiet_lines_have_no_dots_and_no_band() -> None:
    loud = label_curve([line("a", 0.5)], None, "c")
    both = label_curve([line("a", 0.5), Line("b", line("b", 0.2).places, "quiet", 1)], None, "c")
    assert "b" in texts(both)
    assert both.count("fill-opacity") == loud.count("fill-opacity")
    assert both.count("<use") - both.count("ytick") <= loud.count("<use")


def test_dashes_of_a_series_may_be_those_of_another_number() -> None:
    places = line("a", 0.5).places
    assert Line("a", places, "series", 2, 0).dashes == Line("b", places, "series", 0).dashes
    assert Line("a", places, "series", 2, 0).color == Line("b", places, "series", 2).color
    assert Line("a", places, "quiet", 0).dashes != Line("b", places, "quiet", 1).dashes


def test_the_axis_is_named_by_the_metric() -> None:
    assert "mIoU on the test images, %" in texts(label_curve(USUAL, None, "c", "mIoU"))
    assert "right answers on the test images, %" in texts(label_curve(USUAL, None, "c"))
