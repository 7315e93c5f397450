"""Nearest neighbors of every row among all rows, exact."""

from __future__ import annotations

from torch import Tensor

from presight.errors import UsageError
from presight.evaluation.features import Progress
from presight.evaluation.neighbors import nearest


def neighbors(features: Tensor, k: int, progress: Progress | None = None) -> tuple[Tensor, Tensor]:
    """The k most similar other rows of each row, by cosine.

    Args:
        features: float [n, d], two rows or more; where they lie is where the work is done.
        k: neighbors; with fewer than k other rows there are as many as there are.
        progress: told rows done and in all.

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
    return nearest(features, k, progress=progress)


def purity_by_chance(labels: Tensor) -> float:
    """What `purity` would be if all others were neighbors of each: the least that says anything.

    Args:
        labels: int64 [n], two or more.
    """
    sizes = labels.bincount().double()
    return float((sizes * (sizes - 1)).sum() / (len(labels) * (len(labels) - 1.0)))


def purity(index: Tensor, labels: Tensor) -> float:
    """Share of neighbors that have the class of their query, in [0, 1].

    Args:
        index: int64 [n, k] of `neighbors`.
        labels: int64 [n].
    """
    return float((labels[index] == labels[:, None]).float().mean())
