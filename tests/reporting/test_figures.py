from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

import pytest

from presight.reporting.figures import _TOKENS, Chart, curve_chart, scores_chart
from reporting.doubles import score, usual_scores


def drawings(chart: Chart) -> list[str]:
    for drawing in (chart.wide, chart.narrow):
        ElementTree.fromstring(drawing)  # well-formed
    return [chart.wide, chart.narrow]


def test_text_is_text_and_colors_are_the_pages() -> None:
    for drawing in drawings(scores_chart(usual_scores(), "s")):
        assert ">untrained</text>" in drawing
        assert ">linear probe</text>" in drawing
        assert "var(--accent)" in drawing
        assert "var(--sans)" in drawing
        assert "DejaVu" not in drawing
        assert not any(color in drawing for color in _TOKENS)
        colors = set(re.findall(r"#[0-9a-f]{6}", drawing))
        assert not colors, colors


def test_every_value_stands_in_the_description() -> None:
    for drawing in drawings(scores_chart(usual_scores(), "s")):
        assert "pretrained linear 71.2 %" in drawing
        assert 'role="img"' in drawing


@pytest.mark.parametrize(
    "name", ["$x_1$", "a $ b", r"$\frac{1}{0}$", "<b>&", "\u6f22\u5b57", "\x00"]
)
def test_names_are_drawn_as_they_are(name: str) -> None:
    chart = scores_chart([*usual_scores(), score(name, "linear", 0.5)], "s")
    expected = name.replace("\x00", "\ufffd")
    for drawing in drawings(chart):
        texts = ["".join(node.itertext()) for node in ElementTree.fromstring(drawing).iter("text")]
        assert expected in texts


def test_ids_carry_the_charts_name() -> None:
    for kind, drawing in zip(
        "wn", drawings(curve_chart([0, 1], [2, 1], "c0loss", "Loss")), strict=True
    ):
        names = re.findall(r'id="([^"]*)"', drawing)
        assert names
        assert all(name.startswith(f"c0loss-{kind}-") for name in names)


def test_a_long_curve_is_thinned_and_keeps_its_ends() -> None:
    values = [float(i) for i in range(100_000)]
    chart = curve_chart(values, values, "c", "Loss")
    assert len(chart.wide) < 60_000
    assert "from 0 to 99,999" in chart.wide


def test_a_bound_is_drawn() -> None:
    without, within = (curve_chart([0, 1], [2, 3], "c", "Rank", bound) for bound in (None, 128.0))
    assert ">128</text>" in within.wide
    assert ">128</text>" not in without.wide


def test_one_score_is_enough() -> None:
    drawings(scores_chart([score("blind guess", "majority", 0.1)], "s"))
    drawings(curve_chart([1, 1], [0, 0], "c", "Loss"))
