from __future__ import annotations

from presight.reporting.charts.scores import Dot, dots
from reporting.charts.svg import roots, texts

SHOWN = [
    Dot("pretrained", 0, 0.71, 0.67, 0.75, main=True),
    Dot("untrained", 0, 0.58, 0.54, 0.62),
    Dot("pretrained", 1, 0.66, 0.6, 0.7, main=True),
]


def test_rows_kinds_and_the_blind_guess_are_named() -> None:
    found = texts(dots(SHOWN, ["linear probe", "kNN"], 0.1, "s"))
    assert {"pretrained", "untrained", "linear probe", "kNN", "blind guess"} <= set(found)
    assert "blind guess" not in texts(dots(SHOWN, ["linear probe", "kNN"], None, "s"))


def test_the_best_row_is_on_top_unless_order_is_given() -> None:
    shown = [Dot("low", 0, 0.1, 0.0, 0.2), Dot("high", 0, 0.9, 0.8, 1.0)]
    by_score = texts(dots(shown, ["x"], None, "s"))
    assert by_score.index("low") < by_score.index("high")  # matplotlib writes from below
    as_given = texts(dots(shown, ["x"], None, "s", order=False))
    assert as_given.index("high") < as_given.index("low")


def test_numbers_stand_in_the_description() -> None:
    assert "untrained linear probe 58.0 %" in dots(SHOWN, ["linear probe", "kNN"], 0.1, "s")


def test_names_are_cut() -> None:
    svg = dots([Dot("x" * 5000, 0, 0.5, 0.4, 0.6)], [""], None, "s")
    assert "x" * 30 not in "".join(texts(svg))
    roots(svg)
