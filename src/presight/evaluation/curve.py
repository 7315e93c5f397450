"""Scores of one evaluation as points of a label curve, and paired gaps between rows. No torch."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from presight.errors import IntegrityError
from presight.evaluation.intervals import Interval, over_seeds
from presight.evaluation.score import Score, unpacked


@dataclasses.dataclass(frozen=True)
class Point:
    """A row at a number of labels.

    Args:
        n_labels: that were learned from.
        mean: accuracy over the label seeds, in [0, 1].
        low: end of its 95 % interval, over label seeds and test images.
        high: its other end.
        values: accuracy by label seed.
    """

    n_labels: int
    mean: float
    low: float
    high: float
    values: Sequence[float]


def whole(scores: Sequence[Score]) -> list[Score]:
    """Those of the whole network, not of its stages."""
    return [score for score in scores if not score.stage]


def places(scores: Sequence[Score], row: str, protocol: str) -> list[Point]:
    """Points of a row by a protocol, few labels first."""
    found = [s for s in whole(scores) if s.row == row and s.protocol == protocol]
    return [
        _point(n, [score for score in found if score.n_train == n])
        for n in sorted({score.n_train for score in found})
    ]


def _point(n: int, scores: Sequence[Score]) -> Point:
    values = [score.value for score in scores]
    if len(scores) == 1:  # Wilson's interval stays inside [0, 1] where the bootstrap has width 0
        return Point(n, values[0], scores[0].low, scores[0].high, values)
    try:
        mean, low, high = _interval(tuple(score.answers for score in scores), scores[0].n_test)
    except (IntegrityError, ValueError):  # results by image were not stored: the widest of what was
        mean = sum(values) / len(values)
        low, high = min(s.low for s in scores), max(s.high for s in scores)
    return Point(n, mean, max(0.0, low), min(1.0, high), values)


def blind_guess(scores: Sequence[Score]) -> float | None:
    """The blind guess's accuracy with most labels, where it was measured."""
    found = places(scores, "blind guess", "majority")
    return found[-1].mean if found else None


def gap(scores: Sequence[Score], protocol: str, n: int, row: str, other: str) -> Interval | None:
    """A row above another at a number of labels, paired by label seed and test image.

    Args:
        scores: of one evaluation.
        protocol: linear or knn.
        n: number of labels.
        row: whose accuracy comes first.
        other: whose is subtracted.

    Returns:
        Mean difference, in [-1, 1], and its 95 % interval; None where there is nothing to pair.
    """
    sides = [
        {s.seed: s for s in whole(scores) if (s.row, s.protocol, s.n_train) == (name, protocol, n)}
        for name in (row, other)
    ]
    seeds = sorted(set(sides[0]) & set(sides[1]))
    pairs = [(sides[0][seed], sides[1][seed]) for seed in seeds]
    if not pairs or any(first.n_test != second.n_test for first, second in pairs):
        return None
    try:
        packed = tuple((first.answers, second.answers) for first, second in pairs)
        return _paired(packed, pairs[0][0].n_test)
    except (IntegrityError, ValueError):  # none by image, or damaged
        return None


# The report asks for the same interval in its verdict, in its chart and in its table.
@lru_cache(maxsize=512)
def _interval(packed: tuple[str, ...], n: int) -> Interval:
    return over_seeds(np.stack([_bits(one, n) for one in packed]))


@lru_cache(maxsize=512)
def _paired(packed: tuple[tuple[str, str], ...], n: int) -> Interval:
    return over_seeds(np.stack([_bits(one, n) - _bits(other, n) for one, other in packed]))


def _bits(packed: str, n: int) -> NDArray[np.int8]:
    return unpacked(packed, n).astype(np.int8)
