"""Average precision of boxes, with what it would be without each of the images.

COCO's rules: detections are taken in order of their score, each finds the free object of its class
that it overlaps most, crowds count neither way, and precision is read at 101 recalls.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from presight.data.targets import BoxesTarget

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

OVERLAPS = np.linspace(0.5, 0.95, 10)
"""Overlaps (intersection over union) from which on a detection has found an object."""

MOST = 100
"""Detections of a class in an image that count, as in COCO's own code."""

_POINTS = np.linspace(0.0, 1.0, 101)
_CELLS = 2_000_000


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """What a model found in one image.

    Args:
        boxes: float32 [d, 4], x0, y0, x1, y1, half-open.
        scores: float32 [d], a higher one is surer.
        labels: int64 [d], classes.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    labels: NDArray[np.int64]


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """Detections of one image against what it shows.

    Args:
        detections: in pixels of the picture, the surest first.
        found: bool [10, d], at each of `OVERLAPS`: it is an object that none before it has found.
        ignored: bool [10, d], it lies on a crowd and counts neither way.
        positives: int64 [C], objects of each class, without crowds.
    """

    detections: Detections
    found: Bools
    ignored: Bools
    positives: NDArray[np.int64]


def overlaps(boxes: NDArray[np.float32], target: BoxesTarget) -> Floats:
    """Intersection over union [d, g]; over the detection's own area where the object is a crowd."""
    ours, theirs = boxes.astype(np.float64)[:, None], target.boxes.astype(np.float64)[None]
    low = np.maximum(ours[..., :2], theirs[..., :2])
    high = np.minimum(ours[..., 2:], theirs[..., 2:])
    shared = (high - low).clip(min=0.0).prod(-1)
    area = (ours[..., 2:] - ours[..., :2]).prod(-1)
    union = area + (theirs[..., 2:] - theirs[..., :2]).prod(-1) - shared
    whole = np.where(target.crowd[None], area, union)
    found: Floats = np.divide(shared, whole, out=np.zeros_like(shared), where=whole > 0)
    return found


def matched(given: Detections, target: BoxesTarget, classes: int) -> Matches:
    """Which detections found an object.

    Args:
        given: in pixels of the picture.
        target: what it shows.
        classes: how many there are.
    """
    order = np.argsort(-given.scores, kind="stable")
    kept = np.zeros(len(order), dtype=np.bool_)
    for label in np.unique(given.labels):
        kept[np.flatnonzero(given.labels[order] == label)[:MOST]] = True
    order = order[kept]
    detections = Detections(given.boxes[order], given.scores[order], given.labels[order])
    found = np.zeros((len(OVERLAPS), len(order)), dtype=np.bool_)
    ignored = np.zeros_like(found)
    shares = overlaps(detections.boxes, target)
    shares[detections.labels[:, None] != target.labels[None]] = 0.0
    free = np.ones((len(OVERLAPS), len(target.labels)), dtype=np.bool_)
    for row in np.flatnonzero((shares >= OVERLAPS[0]).any(1)):
        near = shares[row] >= OVERLAPS[:, None]
        hit, which = _largest(shares[row], near & free & ~target.crowd)
        found[hit, row] = True
        free[hit, which[hit]] = False
        ignored[:, row] = ~hit & (near & target.crowd).any(1)
    positives = np.bincount(target.labels[~target.crowd], minlength=classes)
    return Matches(detections, found, ignored, positives.astype(np.int64))


def _largest(shares: Floats, allowed: Bools) -> tuple[Bools, NDArray[np.intp]]:
    """For each row whether any object is allowed, and which overlaps most, the last of equals."""
    values = np.where(allowed, shares, -1.0)
    which = values.shape[1] - 1 - values[:, ::-1].argmax(1)
    hit: Bools = np.any(allowed, axis=1)
    return hit, which


def _envelope(right: NDArray[np.int64], wrong: NDArray[np.int64]) -> Floats:
    """The greatest precision from each right detection on, [r, m].

    Between two right detections precision only falls: no other place can be the greatest.
    """
    precision = right / np.maximum(right + wrong, 1)
    greatest: Floats = np.maximum.accumulate(precision[:, ::-1], 1)[:, ::-1]
    return greatest


def _mean_precision(
    right: NDArray[np.int64],
    wrong: NDArray[np.int64],
    positives: NDArray[np.int64],
) -> Floats:
    """Means [r] over recalls of the greatest precision there or beyond; NaN without positives.

    Args:
        right: [r, m], right detections up to each place, it included.
        wrong: [r, m], wrong ones before it.
        positives: [r], objects to find.
    """
    rows, width = right.shape
    envelope = np.concatenate([_envelope(right, wrong), np.zeros((rows, 1))], 1)
    count = np.maximum(positives, 1)[:, None]
    needed = np.ceil(_POINTS * count)  # right detections for a recall; then as division rounds it
    needed -= (needed - 1) / count >= _POINTS
    needed += needed / count < _POINTS
    needed = np.clip(needed, 1, None)
    # One search over all rows: each is lifted above the one before it.
    lift = np.arange(rows)[:, None] * (width + 2 + needed.max(initial=0))
    first = np.searchsorted((right + lift).ravel(), needed + lift)
    first = np.minimum(first - np.arange(rows)[:, None] * width, width)
    means: Floats = np.take_along_axis(envelope, first, 1).mean(1)
    return np.where(positives > 0, means, np.nan)


def average_precisions(matches: Sequence[Matches]) -> tuple[Floats, Floats]:
    """Average precision at each overlap and class, and what it is without each image.

    Args:
        matches: of n images.

    Returns:
        [10, C], NaN for a class without an object; and [n, 10, C], where a class that has objects
        in the image alone keeps its value.
    """
    classes = len(matches[0].positives)
    whole = np.full((len(OVERLAPS), classes), np.nan)
    without = np.full((len(matches), *whole.shape), np.nan)
    positives = np.stack([one.positives for one in matches])
    owner = np.repeat(np.arange(len(matches)), [len(one.detections.scores) for one in matches])
    scores = np.concatenate([one.detections.scores for one in matches])
    labels = np.concatenate([one.detections.labels for one in matches])
    found = np.concatenate([one.found for one in matches], 1)
    ignored = np.concatenate([one.ignored for one in matches], 1)
    order = np.argsort(-scores, kind="stable")
    for label in range(classes):
        rows = order[labels[order] == label]
        for level in range(len(OVERLAPS)):
            counted = rows[~ignored[level, rows]]
            answer = without_each(found[level, counted], owner[counted], positives[:, label])
            whole[level, label], without[:, level, label] = answer[0], answer[1:]
    return whole, np.where(np.isnan(without), whole, without)


def without_each(found: Bools, owner: NDArray[np.intp], positives: NDArray[np.int64]) -> Floats:
    """Average precision of a class at 101 recalls, [1 + n]: of all images, then without each.

    Args:
        found: bool [d], the surest first.
        owner: int [d], images.
        positives: int64 [n], objects in each image.
    """
    total, places = positives.sum(), np.flatnonzero(found)
    hits = np.cumsum(found, dtype=np.int64)
    right, wrong = hits[places], np.cumsum(~found, dtype=np.int64)[places]
    before = hits[~found]  # right detections before each wrong one
    taken, liars = owner[places], owner[~found]
    answer = np.empty(1 + len(positives))
    answer[:1] = _mean_precision(right[None], wrong[None], total[None])
    answer[1:] = answer[0]
    involved = np.union1d(owner, np.flatnonzero(positives))
    step = max(1, _CELLS // (len(places) + len(_POINTS)))
    for start in range(0, len(involved), step):
        images = involved[start : start + step]
        kept = taken[None] != images[:, None]
        lies = np.zeros((len(images), len(places) + 1), dtype=np.int64)
        row = np.searchsorted(images, liars).clip(max=len(images) - 1)
        own = images[row] == liars
        np.add.at(lies, (row[own], before[own]), 1)
        fewer = wrong[None] - np.cumsum(lies, 1)[:, :-1]
        left = total - positives[images]
        answer[1 + images] = _mean_precision(np.cumsum(kept, 1, dtype=np.int64), fewer, left)
    return answer


def influences(whole: Floats, without: Floats) -> Floats:
    """A figure's part by image, [n]: jackknife's pseudo-values, whose mean is made the figure.

    Args:
        whole: [k, C], average precisions that the figure is the mean of, over classes with objects.
        without: [n, k, C], the same without each image.
    """
    shown = ~np.isnan(whole)
    figure = whole[shown].mean() if shown.any() else np.nan
    left = without[:, shown].mean(1) if shown.any() else np.full(len(without), np.nan)
    values: Floats = figure + (len(without) - 1) * (left.mean() - left)
    return values
