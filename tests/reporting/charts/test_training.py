from __future__ import annotations

from presight.reporting.charts.training import Series, over_epochs
from reporting.charts.svg import texts


def test_one_line_has_no_label_and_several_have() -> None:
    one = Series([0.0, 1.0], [2.0, 1.0], "a")
    assert "a" not in texts(over_epochs([one], "c", "loss"))
    both = texts(over_epochs([one, Series([0.0, 2.0], [2.0, 1.0], "b")], "c", "loss"))
    assert {"a", "b"} <= set(both)


def test_a_bound_is_drawn_and_named() -> None:
    series = [Series([0.0, 1.0], [2.0, 3.0])]
    within = over_epochs(series, "c", "rank", bound=(128.0, "128 dimensions"))
    assert "128 dimensions" in texts(within)
    assert "128 dimensions" not in texts(over_epochs(series, "c", "rank"))


def test_ends_stand_in_the_description() -> None:
    values = [float(i) for i in range(50_000)]
    svg = over_epochs([Series(values, values)], "c", "loss")
    assert "from 0 to 49,999 over 49,999 epochs" in svg
    assert len(svg) < 30_000


def test_odd_values_are_drawn() -> None:
    assert "loss" in texts(over_epochs([Series([1.0, 1.0], [0.0, 0.0])], "c", "loss"))
    assert "$" in texts(over_epochs([Series([0.0, 1.0], [-1e300, 1e300])], "c", "$"))
