"""The ladder of stages: what a linear probe reads at each depth of the network."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from presight.core.wording import between, cut, percent
from presight.errors import PresightError
from presight.evaluation.intervals import paired_difference
from presight.evaluation.score import Score
from presight.reporting.blocks import Figure, Table
from presight.reporting.charts.scores import Dot, dots


def _title(best: Score, last: Score) -> str:
    """Whether the last stage is the best, or cannot be told from it, on the same test images."""
    if best is last:
        return f"The last stage reads best: {percent(last.value)}"
    name = f"Stage {cut(best.stage)}"
    try:
        value, low, high = paired_difference(best.correct(), last.correct())
    except PresightError:  # not stored by image
        return f"{name} reads {percent(best.value)}, the last one {percent(last.value)}"
    if low <= 0:
        return f"The last stage cannot be told from the best, {cut(best.stage)}"
    return (f"{name} reads {100 * value:.1f} points (95 % interval {between(low, high)}) more than "
            "the last one")  # fmt: skip


def ladder(scores: Sequence[Score], name: str) -> Figure | None:
    """The figure, where stages of the pretrained network were measured."""
    found = [score for score in scores if score.stage]
    rows = [score for score in found if score.row == "pretrained"]
    if len(rows) < 2:
        return None
    best = max(rows, key=lambda score: score.value)
    title = _title(best, rows[-1])
    others = sorted({score.row for score in found} - {"pretrained"})
    kinds = ["pretrained", *others[:1]]
    shown = [
        Dot(score.stage, kinds.index(score.row), score.value, score.low, score.high,
            score.row == "pretrained")
        for score in found
        if score.row in kinds
    ]  # fmt: skip
    table = Table(
        ("stage", "row", "right answers", "95 % interval"),
        [(cut(s.stage), cut(s.row), percent(s.value), between(s.low, s.high)) for s in found],
    )
    protocol = (
        f"Linear probe on pooled feature maps, {best.n_train:,} labels, {best.n_test:,} test "
        f"images; whiskers are 95 % intervals over test images"
    )
    drawing = dots(shown, kinds, None, name, order=False)
    return Figure(title, Markup(drawing), "", protocol, table, "stages")
