from __future__ import annotations

import pytest

from presight.reporting.charts.utility import Arm, Saved, utility_chart

KINDS = ("ok", "left_censored", "right_censored", "flat")


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_knowledge_is_drawn_and_told(kind: str) -> None:
    found = [Saved(50, 120.0, 80.0, 200.0, "ok"), Saved(200, 400.0, None, None, kind)]
    drawing = utility_chart([Arm("an arm", found, 0, 0)], "u")
    assert drawing.count("<svg") == 2
    assert "50 labels do the work of 120" in drawing
    assert "an arm" in drawing


def test_bounds_look_unlike_measurements() -> None:
    drawn = {
        kind: utility_chart(
            [
                Arm(
                    "a",
                    [Saved(50, 60.0, 50.0, 70.0, "ok"), Saved(200, 200.0, None, None, kind)],
                    0,
                    0,
                )
            ],
            "u",
        )
        for kind in KINDS
    }
    assert len(set(drawn.values())) == len(KINDS)


def test_color_and_dashes_are_those_that_are_asked() -> None:
    found = [Saved(50, 60.0, 50.0, 70.0, "ok"), Saved(200, 210.0, 150.0, 300.0, "ok")]
    drawing = utility_chart([Arm("a", found, 3, 1)], "u")
    assert "var(--c3)" in drawing
    assert "var(--c0)" not in drawing
    assert "stroke-dasharray" in drawing.partition("var(--c3)")[2]
