"""Utility: how many labels a pretrained backbone saves, measured against training from scratch."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from sklearn.isotonic import isotonic_regression

from presight.errors import UsageError
from presight.evaluation.replicates import Floats, middle, replicates

Status = Literal["ok", "left_censored", "right_censored", "flat"]
Space = Literal["log", "linear"]


@dataclasses.dataclass(frozen=True)
class Utility:
    """What pretraining is worth at a number of labels n, in labels.

    Args:
        n_labels: n.
        value: n_hat / n - 1, where scratch needs n_hat labels to reach the same score: 0 saves
            nothing, 1 saves as many again, below 0 it harms. Where censored this is the bound:
            n_hat lies beyond what scratch was measured with, and nothing is extrapolated.
        low: end of the 95 % interval; -inf where it lies below what was measured, NaN where one
            result a number of labels tells of no spread.
        high: its other end; inf where it lies above what was measured.
        status: ok; left_censored: scratch is better even with its fewest labels, the true value is
            at most the bound; right_censored: scratch never reached the score, the true value is at
            least the bound; flat: scratch's curve hardly rises where it is read, so that a small
            gap is any number of labels.
    """

    n_labels: int
    value: float
    low: float
    high: float
    status: Status

    @property
    def equivalent(self) -> tuple[float, float, float]:
        """Labels that scratch needs for the same score, and the ends of their interval."""
        n = self.n_labels
        return n * (1.0 + self.value), n * (1.0 + self.low), n * (1.0 + self.high)


def utility(
    scratch: ArrayLike,
    pretrained: ArrayLike,
    *,
    labels: Sequence[int],
    space: Space = "log",
    draws: int = 2000,
    seed: int = 0,
) -> list[Utility]:
    """Utility at each number of labels, with intervals over seeds and test images.

    Scratch's mean curve is made non-decreasing by isotonic regression and read backwards: piecewise
    linear in log n, at the left end of a flat stretch, never beyond its ends. Both curves are drawn
    anew together, so that the noise of scratch is in the interval too.

    Args:
        scratch: scores from scratch, higher is better: [L], [S, L] by seed, or [S, L, n] by seed
            and test image.
        pretrained: of the same shape, on the same labels, seeds and images.
        labels: the L numbers of labels, increasing.
        space: log reads the curve linearly in log n; linear in n, as the first publication did.
        draws: of both curves, for the intervals.
        seed: of the draws.

    Returns:
        One for each number of labels. A single result a number of labels has no interval: NaN.

    Raises:
        UsageError: shapes that do not fit, labels that do not increase, a score that is not finite.

    Source: Newell and Deng, How Useful is Self-Supervised Pretraining for Visual Tasks?, CVPR 2020.
    """
    first, second = (np.asarray(given, np.float64) for given in (scratch, pretrained))
    axis = _axis(labels)
    if first.shape != second.shape or first.ndim not in (1, 2, 3):
        raise UsageError(
            f"scratch is {first.shape} and pretrained {second.shape}; both must be of one shape: "
            "[labels], [seeds, labels] or [seeds, labels, images]."
        )
    if first.shape[-1 if first.ndim < 3 else 1] != len(axis):
        raise UsageError(f"there are {len(axis)} numbers of labels; the scores are {first.shape}.")
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise UsageError("scores must be finite numbers.")
    shaped = [one.reshape(-1, len(axis), one.shape[2] if one.ndim == 3 else 1)
              for one in (first, second)]  # fmt: skip
    both = np.concatenate(shaped, axis=1)
    known = both.shape[0] > 1 or both.shape[2] > 1
    drawn = replicates(both, draws=draws, seed=seed) if known else None
    return utilities(both.mean((0, 2)), drawn, labels=labels, space=space)


def utilities(
    means: Floats, drawn: Floats | None, *, labels: Sequence[int], space: Space = "log"
) -> list[Utility]:
    """Utility of two curves and of draws of them.

    Args:
        means: [2 L], scratch's scores and then the pretrained ones.
        drawn: [draws, 2 L], the same with other seeds and images; None leaves intervals out.
        labels: the L numbers of labels, increasing.
        space: as for `utility`.
    """
    axis = _axis(labels)
    size = len(axis)
    curve = _rising(means[None, :size])
    curves = None if drawn is None else _rising(drawn[:, :size])
    found = []
    for place, n in enumerate(labels):
        score = means[size + place : size + place + 1]
        needed = float(labels_needed(curve, score, axis, space)[0])
        status: Status = "ok"
        low = high = math.nan
        if drawn is not None and curves is not None:
            scores = drawn[:, size + place]
            low, high = middle(labels_needed(curves, scores, axis, space) / n - 1.0)
            if math.isfinite(needed) and _is_flat(curve[0], float(score[0]), drawn[:, :size]):
                status = "flat"
        if math.isinf(needed):
            status = "right_censored" if needed > 0 else "left_censored"
            needed = axis[-1] if needed > 0 else axis[0]
        found.append(Utility(int(n), float(needed) / n - 1.0, low, high, status))
    return found


def labels_needed(curves: Floats, scores: Floats, labels: Floats, space: Space) -> Floats:
    """Labels at which non-decreasing curves reach scores: the fewest that do.

    Args:
        curves: [draws, L].
        scores: [draws].
        labels: [L], increasing.
        space: between two numbers of labels a curve is linear in log n, or in n.

    Returns:
        [draws]; inf where a curve never reaches its score, -inf where it begins above it.
    """
    slack = 1e-12 * np.maximum(1.0, np.abs(scores))
    reached = curves >= (scores - slack)[:, None]
    stop = reached.argmax(1)
    rows = np.arange(len(curves))
    end = curves[rows, stop]
    before = np.maximum(stop - 1, 0)
    start = curves[rows, before]
    between = (stop > 0) & (end > scores)
    share = np.where(between, (scores - start) / np.where(between, end - start, 1.0), 1.0)
    first, last = labels[before], labels[stop]
    found = first * (last / first) ** share if space == "log" else first + share * (last - first)
    found = np.where(share == 1.0, last, found)
    found = np.where((stop == 0) & (scores < end - slack), -np.inf, found)
    return np.where(reached.any(1), found, np.inf)


def _axis(labels: Sequence[int]) -> Floats:
    axis = np.asarray(labels, np.float64)
    if axis.ndim != 1 or len(axis) < 2 or axis[0] <= 0 or (np.diff(axis) <= 0).any():
        raise UsageError(f"labels are {list(labels)}; expected two or more increasing numbers.")
    return axis


def _rising(curves: Floats) -> Floats:
    """The nearest non-decreasing curves [draws, L]."""
    rising = curves.copy()
    for row in np.flatnonzero((np.diff(curves) < 0).any(1)):
        rising[row] = isotonic_regression(curves[row])
    return rising


def _is_flat(curve: Floats, score: float, drawn: Floats) -> bool:
    """Whether the curve's rise where a score is read is below two standard errors."""
    stop = max(1, int((curve >= score - 1e-12 * max(1.0, abs(score))).argmax()))
    rise = curve[stop] - curve[stop - 1]
    error = float(np.std(drawn[:, stop] - drawn[:, stop - 1], ddof=1))
    return bool(rise < 2.0 * error)
