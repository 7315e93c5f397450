"""Whether clusters of features are the classes: a probe that learns nothing."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from presight.core.draw import shuffled
from presight.errors import UsageError
from presight.nn.cluster import kmeans

_ROWS = 10_000  # rows that are clustered: a bound on the cost


@dataclasses.dataclass(frozen=True)
class Agreement:
    """How far two divisions of the same images agree; each number has its own blind side.

    Args:
        ami: adjusted mutual information: 0 on average by chance, 1 where they are the same.
        nmi: normalized mutual information, in [0, 1]; grows by chance alone with the clusters:
            0.35 for 500 random clusters of 1,000 images in 10 classes.
        ari: adjusted Rand index: 0 on average by chance, 1 where they are the same.
        purity: share of the images that are of the commonest class of their cluster; 1 where each
            image is a cluster of its own.
        accuracy: share of the images that are of the class their cluster is matched with, one to
            one and as well as possible. Meant for as many clusters as classes; of more, some are
            matched with no class, and all their images count as wrong.
        clusters: their number.
        images: of which all this is.
    """

    ami: float
    nmi: float
    ari: float
    purity: float
    accuracy: float
    clusters: int
    images: int


def agreement(clusters: ArrayLike, classes: ArrayLike) -> Agreement:
    """How far clusters agree with classes.

    Args:
        clusters: integers [n], the cluster of each image.
        classes: integers [n].

    Raises:
        UsageError: lengths that differ, or nothing to compare.

    Source: Vinh, Epps, Bailey: Information Theoretic Measures for Clusterings Comparison, JMLR
    2010 (AMI, and NMI by the arithmetic mean); Hubert and Arabie: Comparing Partitions, 1985; Kuhn:
    The Hungarian Method for the Assignment Problem, 1955 (accuracy).
    """
    from sklearn import metrics

    found, truth = _both(clusters, classes)
    pairs = metrics.cluster.contingency_matrix(truth, found)
    return Agreement(
        ami=float(metrics.adjusted_mutual_info_score(truth, found)),
        nmi=float(metrics.normalized_mutual_info_score(truth, found)),
        ari=float(metrics.adjusted_rand_score(truth, found)),
        purity=float(pairs.max(0).sum() / len(found)),
        accuracy=float(matched(found, truth).mean()),
        clusters=pairs.shape[1],
        images=len(found),
    )


def matched(clusters: ArrayLike, classes: ArrayLike) -> NDArray[np.bool_]:
    """Which images are of the class that their cluster is matched with, bool [n].

    The matching is one to one and has the most images right; its mean is the accuracy.

    Args:
        clusters: integers [n].
        classes: integers [n].

    Raises:
        UsageError: lengths that differ, or nothing to compare.
    """
    from scipy.optimize import linear_sum_assignment
    from sklearn import metrics

    found, truth = _both(clusters, classes)
    pairs = metrics.cluster.contingency_matrix(truth, found)
    rows, columns = linear_sum_assignment(pairs, maximize=True)
    partner = np.full(pairs.shape[1], -1)
    partner[columns] = rows
    right: NDArray[np.bool_] = (
        partner[np.unique(found, return_inverse=True)[1]]
        == np.unique(truth, return_inverse=True)[1]
    )
    return right


def _both(clusters: ArrayLike, classes: ArrayLike) -> tuple[NDArray[np.generic], ...]:
    found, truth = np.asarray(clusters), np.asarray(classes)
    if found.shape != truth.shape or found.ndim != 1 or not len(found):
        raise UsageError(
            f"clusters {found.shape} and classes {truth.shape} must be [n] both, n >= 1. "
            "Give one of each for every image."
        )
    return found, truth


def clustered(features: Tensor, labels: Tensor, seed: int = 0) -> Agreement:
    """Agreement of k-means on unit features, as many clusters as classes, with the classes.

    Args:
        features: [n, d]. Above 10,000 rows a sample by `seed` is clustered.
        labels: int64 [n].
        seed: of the sample and of the first centroids.

    Raises:
        UsageError: lengths that differ, or nothing to compare.
    """
    if len(features) != len(labels) or not len(labels):
        raise UsageError(f"{len(features)} features need as many labels, one or more; "
                         f"received {len(labels)}.")  # fmt: skip
    kept = shuffled(len(features), seed, "clusters")[:_ROWS].sort().values
    rows = torch.nn.functional.normalize(features[kept.to(features.device)].float(), dim=1)
    classes = labels[kept.to(labels.device)].cpu()
    # Numbers of classes may have gaps; a class that no image has asks for no cluster.
    present, classes = torch.unique(classes, return_inverse=True)
    found = kmeans(rows, len(present), key=(seed, "clusters"))
    return agreement(found.assignments.cpu().numpy(), classes.numpy())
