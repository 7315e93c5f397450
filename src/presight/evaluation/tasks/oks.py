"""OKS, the similarity of keypoints to their labels, and its average precision.

COCO's, for one object and one answer an image, in which case nothing has to be matched.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from presight.evaluation.tasks.average_precision import influences, without_each
from presight.evaluation.tasks.task import Influence

Floats = NDArray[np.float64]

SIGMA = 0.05
"""Where none is published: a point that is a tenth of sqrt(area) off then has OKS exp(-1/2)."""

THRESHOLDS = np.linspace(0.5, 0.95, 10)
"""Of OKS, from which on an answer counts as right; AP is the mean over them."""

_COCO = {
    "nose": 0.026, "eye": 0.025, "ear": 0.035, "shoulder": 0.079, "elbow": 0.072,
    "wrist": 0.062, "hip": 0.107, "knee": 0.087, "ankle": 0.089,
}  # fmt: skip
_COCO_POINTS = 17


def coco_sigmas(names: Sequence[str]) -> Floats:
    """Spread of people's answers over sqrt(area), by point: COCO's for COCO's 17, else `SIGMA`."""
    parts = [name.removeprefix("left_").removeprefix("right_") for name in names]
    if len(set(names)) == _COCO_POINTS == len(names) and set(parts) == set(_COCO):
        return np.array([_COCO[part] for part in parts])
    return np.full(len(names), SIGMA)


def similarity(
    distance: Floats, visible: NDArray[np.bool_], area: Floats, sigmas: Floats
) -> Floats:
    """OKS [n]: the mean over known points of exp(-d^2 / (2 area (2 sigma)^2)).

    Args:
        distance: [n, k], pixels.
        visible: bool [n, k], at least one in each row.
        area: [n], of the objects, square pixels.
        sigmas: [k].
    """
    spread = (2 * sigmas) ** 2 * area[:, None]
    close = np.exp(-(distance**2) / (2 * spread))
    mean: Floats = (close * visible).sum(1) / visible.sum(1)
    return mean


def average_precision(oks: Floats, scores: Floats) -> Influence:
    """AP over OKS 0.50 to 0.95, as its influence by image.

    These are jackknife values, n AP - (n - 1) AP without the image, shifted to have AP as their
    mean. Precision is interpolated at 101 recalls, as COCO does.

    Args:
        oks: [n], of the one answer in each image.
        scores: [n], how sure the answers are; equal ones keep their order.

    Returns:
        float64 [n].
    """
    order = np.argsort(-scores, kind="stable")
    hits, objects = oks[order] >= THRESHOLDS[:, None], np.ones(len(oks), np.int64)
    told = np.stack([without_each(line, order, objects) for line in hits], 1)
    return influences(told[0][:, None], np.nan_to_num(told[1:])[..., None])
