from __future__ import annotations

from presight.reporting.charts.ladder import ladder
from reporting.charts.svg import marks, texts

SCORES = [(0.3, 0.2, 0.4), (0.5, 0.4, 0.6)]


def test_stages_and_names_are_written_and_told() -> None:
    drawing = ladder(
        [("simclr", SCORES, 1), ("untrained", SCORES, None)], ["1", "whole"], "l", "mIoU"
    )
    words = texts(drawing)
    assert {"1", "whole", "simclr", "untrained", "mIoU on the test images, %"} <= set(words)
    assert "simclr: 1 30.0 %, whole 50.0 %" in drawing


def test_what_is_there_for_proportion_has_no_color() -> None:
    drawing = ladder([("untrained", SCORES, None)], ["1", "whole"], "l", "mIoU")
    assert marks(drawing, "var(--c") == 0
    assert marks(ladder([("a", SCORES, 1)], ["1", "whole"], "l", "mIoU"), "var(--c1)") > 0
