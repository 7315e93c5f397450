from __future__ import annotations

from presight.reporting.charts.correlations import Rho, correlation_chart

SHOWN = [
    Rho("effective rank", 0.81, 0.4, 0.95, True),
    Rho("<norm> $x$", -0.1, -0.6, 0.5, False),
]


def test_every_line_is_named_and_told_in_order() -> None:
    drawing = correlation_chart(SHOWN, "rho")
    assert drawing.count("<svg") == 2
    assert "effective rank 0.81; &lt;norm&gt; $x$ -0.10, tells nothing." in drawing
    assert "<norm>" not in drawing


def test_what_tells_nothing_is_drawn_in_gray() -> None:
    telling = correlation_chart(SHOWN[:1], "rho")
    silent = correlation_chart([Rho("effective rank", 0.81, -0.1, 0.95, False)], "rho")
    assert telling.count("var(--ink)") > silent.count("var(--ink)")
    assert telling.count("var(--soft)") < silent.count("var(--soft)")
