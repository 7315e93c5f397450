"""What happens as labels grow: a higher ceiling, the same one sooner, or an early meeting."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Literal

from presight.errors import UsageError
from presight.evaluation.intervals import Interval
from presight.evaluation.replicates import Floats, middle

Kind = Literal["higher ceiling", "fewer labels", "meets early", "no gain"]


@dataclasses.dataclass(frozen=True)
class Scenario:
    """How the curve with pretraining lies above the one from scratch.

    Args:
        kind: higher ceiling: above it with the most labels too. fewer labels: they meet on the
            plateau of scratch, which pretraining reaches sooner. meets early: they meet while
            scratch still rises. no gain: they cannot be told apart anywhere, or pretraining is
            below.
        meeting: the fewest labels from which on no gain is detectable; None for a higher ceiling.
        harmful: numbers of labels at which pretraining is below scratch (negative transfer).
        gaps: score with pretraining less score from scratch, with 95 % intervals, by number of
            labels.
    """

    kind: Kind
    meeting: int | None
    harmful: tuple[int, ...]
    gaps: tuple[Interval, ...]


def scenario(means: Floats, drawn: Floats, *, labels: Sequence[int]) -> Scenario:
    """The scenario of two curves.

    Args:
        means: [2 L], scratch's scores and then the pretrained ones; higher is better.
        drawn: [draws, 2 L], the same with other seeds and images; see `replicates`.
        labels: the L numbers of labels, increasing.

    Raises:
        UsageError: shapes that do not fit.

    Source: the three scenarios are of Newell and Deng, CVPR 2020; the rule with intervals is ours.
    """
    size = len(labels)
    if means.shape != (2 * size,) or drawn.ndim != 2 or drawn.shape[1] != 2 * size:
        raise UsageError(f"curves of {size} numbers of labels cannot be {means.shape}.")
    difference = drawn[:, size:] - drawn[:, :size]
    gaps = tuple(
        Interval(float(means[size + k] - means[k]), *middle(difference[:, k])) for k in range(size)
    )
    harmful = tuple(int(n) for n, gap in zip(labels, gaps, strict=True) if gap.high < 0)
    if gaps[-1].low > 0:
        return Scenario("higher ceiling", None, harmful, gaps)
    start = size - 1
    while start > 0 and gaps[start - 1].low <= 0:
        start -= 1
    meeting = int(labels[start])
    if start == 0:
        return Scenario("no gain", meeting, harmful, gaps)
    # Of its last point alone a curve does not tell whether it still rises: the one before is asked.
    before = min(start, size - 2)
    low, high = middle(drawn[:, size - 1] - drawn[:, before])
    kind: Kind = "fewer labels" if low <= 0 <= high else "meets early"
    return Scenario(kind, meeting, harmful, gaps)
