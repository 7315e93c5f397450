from __future__ import annotations

from presight.reporting.charts.differences import differences
from reporting.charts.svg import marks, texts

LABELS = (50, 200)


def test_both_sides_of_none_are_named_and_numbers_told() -> None:
    found = [(-0.2, -0.3, -0.1), (0.1, -0.05, 0.2)]
    drawing = differences([("an arm", 0, found)], LABELS, "d", "fine-tune", "freeze")
    assert {"fine-tune", "freeze", "an arm", "50", "200"} <= set(texts(drawing))
    assert "50 labels \N{MINUS SIGN}20.0, 200 labels +10.0" in drawing
    assert drawing.count("<svg") == 2


def test_a_dot_is_filled_where_the_interval_is_clear_of_none() -> None:
    clear = differences([("a", 2, [(0.2, 0.1, 0.3), (0.2, 0.1, 0.3)])], LABELS, "d", "", "")
    unclear = differences([("a", 2, [(0.2, -0.1, 0.3), (0.2, 0.1, 0.3)])], LABELS, "d", "", "")
    filled = "fill: var(--c2)"
    assert marks(clear, filled) > marks(unclear, filled) > 0
