"""Scores of one evaluation as points of a label curve, and paired gaps between rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from presight.errors import PresightError
from presight.evaluation.intervals import paired_difference
from presight.evaluation.score import Score


@dataclasses.dataclass(frozen=True)
class Point:
    """A row at a number of labels; `values` by label seed."""

    n_labels: int
    mean: float
    low: float
    high: float
    values: Sequence[float]


@dataclasses.dataclass(frozen=True)
class Gap:
    """Accuracy of one row above another on the same images, with its paired interval."""

    value: float
    low: float
    high: float


def whole(scores: Sequence[Score]) -> list[Score]:
    """Those of the whole network, not of its stages."""
    return [score for score in scores if not getattr(score, "stage", "")]


def places(scores: Sequence[Score], row: str, protocol: str) -> list[Point]:
    """Points of a row by a protocol, few labels first."""
    found = [s for s in whole(scores) if s.row == row and s.protocol == protocol]
    points = []
    for n in sorted({score.n_train for score in found}):
        here = [score for score in found if score.n_train == n]
        values = [score.value for score in here]
        mean = sum(values) / len(values)
        low, high = min(s.low for s in here), max(s.high for s in here)
        points.append(Point(n, mean, low, high, values))
    return points


def blind_guess(scores: Sequence[Score]) -> float | None:
    """The blind guess's accuracy with most labels, where it was measured."""
    found = places(scores, "blind guess", "majority")
    return found[-1].mean if found else None


def gap(scores: Sequence[Score], protocol: str, n: int, row: str, other: str) -> Gap | None:
    """A row above another at a number of labels, where images can be paired."""
    first, second = (
        next((s for s in whole(scores)
              if (s.row, s.protocol, s.n_train) == (name, protocol, n)), None)
        for name in (row, other)
    )  # fmt: skip
    if first is None or second is None:
        return None
    try:  # other images, or none by image: nothing to pair
        return Gap(*paired_difference(first.correct(), second.correct()))
    except PresightError:
        return None
