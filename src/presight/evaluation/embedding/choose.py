"""Which images to label first."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from presight.errors import UsageError
from presight.evaluation.neighbors import nearest
from presight.nn import cluster

_NEIGHBORS = 20


def typical(features: Tensor, count: int, *, seed: int = 0) -> Tensor:
    """Images that stand for many others, one from each of `count` clusters.

        typicality(x) = 1 / mean distance of x to its K nearest in its cluster, K = min(20, size)

    Few labels are worth most on images that are usual and unlike each other; what is rare pays
    once there are many labels.

    Args:
        features: float [n, d]; rows are normalized here.
        count: images to choose, 1 to n.
        seed: of the clusters.

    Returns:
        int64 [count], without repeats; from the largest cluster to the smallest.

    Raises:
        UsageError: count out of range.

    Source: Hacohen, Dekel, Weinshall: Active Learning on a Budget: Opposite Strategies Suit High
    and Low Budgets, ICML 2022 (TypiClust), with no labels yet.
    """
    if not 1 <= count <= len(features):
        raise UsageError(
            f"--select asks for {count:,} of {len(features):,} images; expected 1 to that many."
        )
    rows = functional.normalize(features.float(), dim=1)
    assignments = cluster.kmeans(rows, count, key=("select", seed)).assignments
    sizes = torch.bincount(assignments, minlength=count)
    chosen = [
        _most_typical(rows, (assignments == number).nonzero()[:, 0])
        for number in torch.argsort(sizes, descending=True, stable=True).tolist()
        if int(sizes[number])
    ]
    missing = count - len(chosen)  # equal images may leave a cluster empty
    rest = torch.ones(len(rows), dtype=torch.bool)
    rest[torch.tensor(chosen)] = False
    return torch.tensor([*chosen, *rest.nonzero()[:missing, 0].tolist()])


def _most_typical(rows: Tensor, members: Tensor) -> int:
    if len(members) == 1:
        return int(members[0])
    own = rows[members]
    _, similar = nearest(own, _NEIGHBORS)
    distance = (2.0 - 2.0 * similar).clamp_min(0.0).sqrt().mean(1)
    return int(members[distance.argmin()])
