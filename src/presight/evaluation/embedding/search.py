"""Nearest neighbors of every row among all rows, exact."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from presight.errors import UsageError
from presight.nn import cluster


def neighbors(features: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k most similar other rows of each row, by cosine.

    Args:
        features: float [n, d], two rows or more; where they lie is where the work is done.
        k: neighbors; with fewer than k other rows there are as many as there are.

    Returns:
        Indices int64 [n, k] and cosine similarities float32 [n, k], both on the CPU, most similar
        first, equal ones by index; a row is never its own neighbor.

    Raises:
        UsageError: fewer than two rows, or k below 1.
    """
    if features.ndim != 2 or len(features) < 2 or k < 1:
        raise UsageError(
            f"features are {tuple(features.shape)} and k is {k}; neighbors need [n, d] with two "
            "rows or more, and k of 1 or more."
        )
    k = min(k, len(features) - 1)
    rows = functional.normalize(features.float(), dim=1)
    similar, index = cluster.nearest(rows, rows, k + 1)
    similar, index = similar.cpu(), index.cpu()
    # A row is first among its own, but for twins: it is found by its number, not by its place.
    own = index == torch.arange(len(rows))[:, None]
    own[~own.any(1), -1] = True
    index, similar = index[~own].view(-1, k), similar[~own].view(-1, k)
    order = torch.argsort(index, dim=1)
    index, similar = index.gather(1, order), similar.gather(1, order)
    order = torch.argsort(similar, dim=1, descending=True, stable=True)
    return index.gather(1, order), similar.gather(1, order).clamp(-1.0, 1.0)


def purity(index: Tensor, labels: Tensor) -> float:
    """Share of neighbors that have the class of their query, in [0, 1].

    Args:
        index: int64 [n, k] of `neighbors`.
        labels: int64 [n].
    """
    return float((labels[index] == labels[:, None]).float().mean())
