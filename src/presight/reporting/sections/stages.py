"""The ladder of stages: what a linear probe reads at each depth of the network."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from presight.core.wording import between, cut, percent
from presight.evaluation.score import Score
from presight.reporting.blocks import Figure, Table
from presight.reporting.charts.scores import Dot, dots


def stage_of(score: Score) -> str:
    """Where in the network the features were taken; empty for its output."""
    return str(getattr(score, "stage", "") or "")


def ladder(scores: Sequence[Score], name: str) -> Figure | None:
    """The figure, where stages of the pretrained network were measured."""
    found = [score for score in scores if stage_of(score)]
    rows = [score for score in found if score.row == "pretrained"]
    if len(rows) < 2:
        return None
    best = max(rows, key=lambda score: score.value)
    last = rows[-1]
    tied = best is last or best.low <= last.high
    title = (
        f"The last stage reads best, or as well as any: {percent(last.value)}"
        if tied
        else f"Stage {cut(stage_of(best))} reads better than the last one: {percent(best.value)} "
        f"against {percent(last.value)}"
    )
    others = sorted({score.row for score in found} - {"pretrained"})
    kinds = ["pretrained", *others[:1]]
    shown = [
        Dot(stage_of(score), kinds.index(score.row), score.value, score.low, score.high,
            score.row == "pretrained")
        for score in found
        if score.row in kinds
    ]  # fmt: skip
    table = Table(
        ("stage", "row", "right answers", "95 % interval"),
        [(cut(stage_of(s)), cut(s.row), percent(s.value), between(s.low, s.high)) for s in found],
    )
    protocol = (
        f"Linear probe on pooled feature maps, {best.n_train:,} labels, {best.n_test:,} test "
        f"images; whiskers are 95 % intervals over test images"
    )
    drawing = dots(shown, kinds, None, name, order=False)
    return Figure(title, Markup(drawing), "", protocol, table, "stages")
