from __future__ import annotations

import dataclasses

import pytest

from presight.reporting.charts.cost import Worth, cost_chart
from reporting.charts.svg import texts

ONE = Worth("simclr, frozen", 310.0, 4.0, 3.0, 5.0, "ok", 0, False)


def test_names_times_and_ratios_are_there() -> None:
    drawing = cost_chart([ONE, dataclasses.replace(ONE, name="b", seconds=60.0, ratio=0.5)], "c")
    words = texts(drawing)
    assert {"simclr, frozen", "b", "\N{MULTIPLICATION SIGN}1", "one pretraining, minutes"} <= set(
        words
    )
    assert "simclr, frozen: 5 min, 4 times" in drawing


def test_short_times_are_in_seconds() -> None:
    words = texts(cost_chart([dataclasses.replace(ONE, seconds=4.2)], "c"))
    assert "one pretraining, seconds" in words
    assert {"2", "4"} <= set(words)


@pytest.mark.parametrize(
    "change",
    [{"open": True}, {"known": "right_censored"}, {"known": "left_censored"}, {"low": None}],
)
def test_modes_and_bounds_look_unlike_measurements(change: dict[str, object]) -> None:
    other = dataclasses.replace(ONE, **change)  # type: ignore[arg-type]
    assert cost_chart([ONE], "c") != cost_chart([other], "c")
