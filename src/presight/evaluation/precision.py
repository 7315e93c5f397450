"""Average precision of a ranking, in the four forms of the literature, and its part by image.

They differ on the same ranking: right, wrong, right with two to be found gives 0.8485 (11 points),
0.8350 (101 points), 0.8333 (area). A table that does not say which one it used cannot be compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from presight.errors import DataError, UsageError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Kind = Literal["step", "envelope", "11-point", "101-point"]
"""step: area under the precision as it is (scikit-learn). envelope: area under the best precision
at this recall or a higher one (VOC since 2010). 11-point, 101-point: mean of that best precision
at as many recalls from 0 to 1 (VOC 2007, COCO)."""

_POINTS = {"11-point": 11, "101-point": 101}
_SLACK = 1e-12  # recall 3/10 is to reach the point 0.3, whatever the rounding


@dataclass(frozen=True, slots=True)
class _Curve:
    """Precision and recall at each distinct score, from the highest: equal scores are one step.

    Args:
        group: int [n], the step of each image.
        found: right answers of each step.
        ranks: images down to each step.
        precision: down to each step.
        recall: down to each step.
    """

    group: Ints
    found: Floats
    ranks: Floats
    precision: Floats
    recall: Floats

    @staticmethod
    def of(scores: Floats, positives: NDArray[np.bool_]) -> _Curve:
        _, ascending = np.unique(scores, return_inverse=True)
        group: Ints = np.asarray(ascending.max() - ascending, np.int64)
        found: Floats = np.bincount(group, weights=positives).astype(np.float64)
        ranks: Floats = np.bincount(group).cumsum().astype(np.float64)
        right = found.cumsum()
        return _Curve(group, found, ranks, right / ranks, right / right[-1])

    def best(self) -> Ints:
        """[steps], where from this step on the precision is largest; of equal ones the last."""
        backward = self.precision[::-1]
        rises = np.concatenate([[True], backward[1:] > np.maximum.accumulate(backward)[:-1]])
        place = np.maximum.accumulate(np.where(rises, np.arange(len(backward)), 0))
        found: Ints = len(backward) - 1 - place[::-1]
        return found

    def weights(self, kind: Kind) -> tuple[Floats, Ints]:
        """What each step's precision counts [steps], and the step whose precision each one takes.

        The first sums to 1: AP = sum_g weight_g * precision[source_g].
        """
        shares = self.found / self.found.sum()
        if kind == "step":
            return shares, np.arange(len(shares))
        if kind == "envelope":
            return shares, self.best()
        points = np.linspace(0.0, 1.0, _POINTS[kind])
        first = np.searchsorted(self.recall, points - _SLACK)
        return np.bincount(first, minlength=len(shares)) / len(points), self.best()


def _curve(scores: ArrayLike, positives: ArrayLike, kind: str) -> _Curve:
    values, right = np.asarray(scores, np.float64), np.asarray(positives, np.bool_)
    if kind not in ("step", "envelope", *_POINTS):
        raise UsageError(f"no average precision {kind!r}; step, envelope, 11-point or 101-point.")
    if values.shape != right.shape or values.ndim != 1:
        raise UsageError(
            f"scores {values.shape} and positives {right.shape} must be [n] both. Give one class "
            "at a time."
        )
    if not np.isfinite(values).all():
        raise UsageError("scores must be finite numbers; the model has diverged.")
    if not right.any():
        raise UsageError("nothing is to be found; without a positive precision has no recall.")
    return _Curve.of(values, right)


def average_precision(scores: ArrayLike, positives: ArrayLike, kind: Kind = "step") -> float:
    """Average precision of images ranked by a score, in [0, 1]; the positives' share by chance.

    Equal scores are one step, so that the order of the images does not matter.

    Args:
        scores: [n], higher is earlier.
        positives: bool [n], which images are to be found; at least one.
        kind: see `Kind`.

    Raises:
        UsageError: nothing to find, scores that are not finite, or sizes that differ.

    Source: Everingham et al., The PASCAL Visual Object Classes Challenge, IJCV 2010 (11 points and
    the envelope); Lin et al., Microsoft COCO, ECCV 2014 (101 points).

    Example:
        >>> from presight.evaluation.precision import average_precision
        >>> round(average_precision([3.0, 2.0, 1.0], [True, False, True], "11-point"), 4)
        0.8485
    """
    curve = _curve(scores, positives, kind)
    weight, source = curve.weights(kind)
    return float(weight @ curve.precision[source])


def precision_influence(scores: ArrayLike, positives: ArrayLike, kind: Kind = "step") -> Floats:
    """Each image's part of an average precision, [n]: the mean is the average precision.

        influence_i = AP + n * dAP / dw_i

    where image i counts w_i times, at w = 1. Where the maximum or a recall's step would change with
    the weights the derivative is that without the change.

    Args:
        scores: [n].
        positives: bool [n].
        kind: see `Kind`.

    Raises:
        UsageError: as for `average_precision`.
    """
    curve = _curve(scores, positives, kind)
    weight, source = curve.weights(kind)
    right = np.asarray(positives, np.float64)
    value = float(weight @ curve.precision[source])
    # d precision_k / dw_i = (right_i - precision_k) / rank_k for images down to step k.
    taken = np.bincount(source, weights=weight, minlength=len(weight)) / curve.ranks
    onward = _onward(taken)[curve.group], _onward(taken * curve.precision)[curve.group]
    change = right * onward[0] - onward[1]
    if kind in ("step", "envelope"):  # the steps of recall are weighted too
        change += right * (curve.precision[source][curve.group] - value) / right.sum()
    found: Floats = value + len(right) * change
    return found


def _onward(values: Floats) -> Floats:
    """Sums from each place to the end."""
    found: Floats = values[::-1].cumsum()[::-1]
    return found


def mean_precision_influence(scores: ArrayLike, present: ArrayLike, kind: Kind = "step") -> Floats:
    """Each image's part of the mean average precision, [n]: the mean is the mAP.

    Args:
        scores: [n, C].
        present: bool [n, C], which classes each image shows. A class that none shows has no
            precision and is left out.
        kind: see `Kind`.

    Raises:
        DataError: no image shows any class. UsageError: as for `average_precision`.
    """
    values, shown = np.asarray(scores, np.float64), np.asarray(present, np.bool_)
    if values.shape != shown.shape or values.ndim != 2:
        raise UsageError(f"scores {values.shape} and classes {shown.shape} must be [n, C] both.")
    there = np.flatnonzero(shown.any(0))
    if not len(there):
        raise DataError(
            "none of the test images shows any of the classes, so there is nothing to find. Give "
            "test images that do."
        )
    parts = [precision_influence(values[:, c], shown[:, c], kind) for c in there]
    found: Floats = np.mean(parts, 0)
    return found
