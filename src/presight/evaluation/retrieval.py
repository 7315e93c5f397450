"""Retrieval on frozen features: whether images of a class find each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from presight.errors import DataError, UsageError
from presight.evaluation.features import Progress, require_finite
from presight.evaluation.neighbors import similarities
from presight.evaluation.tasks.task import Influence, Metric

KS = (1, 5, 10)
"""How many neighbors recall looks at."""
_CELLS = 2**22  # similarities that are ranked at a time: 16 MiB


@dataclass(frozen=True, eq=False)
class Retrieval:
    """How well queries found images of their class.

    Args:
        values: by metric, the headline first: its value for each query that counts, float64 [m].
        queries: int64 [m], which those are: rows whose class the bank holds.
        bank: images that were ranked for a query.
    """

    values: Mapping[str, Influence]
    queries: Tensor
    bank: int

    @property
    def means(self) -> dict[str, float]:
        """Each metric's mean over the queries."""
        return {name: float(values.mean()) for name, values in self.values.items()}


def metrics(ks: Sequence[int] = KS) -> tuple[Metric, ...]:
    """What is measured: mean average precision, and recall among the k nearest."""
    return (Metric("mAP"), *(Metric(f"recall@{k}") for k in ks))


def retrieval(
    features: Tensor,
    labels: Tensor,
    queries: Tensor | None = None,
    query_labels: Tensor | None = None,
    *,
    ks: Sequence[int] = KS,
    progress: Progress | None = None,
) -> Retrieval:
    """Rank a bank by cosine similarity to each query; images of the query's class are relevant.

        recall@k = share of queries with a relevant image among the k nearest
        mAP      = mean over queries of the mean precision at each relevant image

    Equal similarities are one step of the precision, and for the recall the relevant ones come
    last among them: the bank's order does not matter, and equal features find nothing at once. A
    query whose class no other image has can find nothing, and is left out of both.

    Args:
        features: float [n, d], the bank, on the device that does the work; rows are normalized.
        labels: int64 [n].
        queries: float [q, d]; without them every row of the bank is a query, and is left out of
            its own ranking.
        query_labels: int64 [q].
        ks: neighbors that recall looks at, 1 or more each.
        progress: told queries done and in all.

    Raises:
        UsageError: sizes that do not fit, features that are not finite, k below 1. DataError: no
            query has another image of its class.

    Source: Song, Xiang, Jegelka, Savarese, Deep Metric Learning via Lifted Structured Feature
    Embedding, CVPR 2016 (recall@k); Philbin et al., CVPR 2007 (mAP by query).

    Example:
        >>> import torch
        >>> from presight.evaluation.retrieval import retrieval
        >>> rows = torch.tensor([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0], [0.1, 0.9]])
        >>> retrieval(rows, torch.tensor([0, 0, 1, 1]), ks=(1,)).means
        {'mAP': 1.0, 'recall@1': 1.0}
    """
    itself = queries is None
    asked = features if queries is None else queries
    truth = labels if query_labels is None else query_labels
    _check(features, labels, asked, truth, ks)
    labels, truth = labels.to(features.device), truth.to(features.device)
    parts = []
    for start, similar in similarities(features, asked, itself=itself, cells=_CELLS):
        own = truth[start : start + len(similar)]
        parts.append(_values(similar, labels, own, ks).cpu())
        if progress is not None:
            progress(start + len(similar), len(asked))
    values = torch.cat(parts)
    kept = (~torch.isnan(values[:, 0])).nonzero()[:, 0]
    if not len(kept):
        raise DataError(
            f"none of {len(asked)} queries has another image of its class to find. Give two images "
            "or more of a class."
        )
    named = zip(metrics(ks), values[kept].T, strict=True)
    by_metric = {metric.name: column.numpy() for metric, column in named}
    return Retrieval(by_metric, kept, len(features) - itself)


def _values(similar: Tensor, labels: Tensor, own: Tensor, ks: Sequence[int]) -> Tensor:
    """Float64 [b, 1 + len(ks)], precision and recalls of each query; NaN where nothing is there."""
    relevant = (labels == own[:, None]) & (similar > -torch.inf)  # nothing is relevant to itself
    sizes = relevant.sum(1)
    most = int(sizes.max())
    # The similarities of what is relevant, ascending; shorter rows begin with -inf.
    place = torch.arange(most, device=similar.device).expand(len(similar), -1)
    held = place >= (most - sizes)[:, None]
    wanted = similar.new_full(held.shape, -torch.inf)
    wanted[held] = similar[relevant]
    wanted = _ascending(wanted)
    # How many are as similar, or more so, of all and of what is relevant.
    all_above = similar.shape[1] - torch.searchsorted(_ascending(similar), wanted)
    right_above = most - torch.searchsorted(wanted, wanted)
    average = (right_above.double() / all_above * held).sum(1) / sizes
    first = (all_above - right_above)[:, -1:] if most else torch.zeros_like(sizes)[:, None]
    recalls = first < torch.tensor(ks, device=first.device)
    return torch.cat((average[:, None], recalls.double()), 1)


def _ascending(values: Tensor) -> Tensor:
    """Rows [b, n] in order; on a CPU numpy sorts several times as fast."""
    if values.device.type == "cpu":
        return torch.from_numpy(np.sort(values.numpy(), axis=1))
    return values.sort(dim=1).values


def _check(bank: Tensor, labels: Tensor, asked: Tensor, truth: Tensor, ks: Sequence[int]) -> None:
    if bank.ndim != 2 or asked.ndim != 2 or bank.shape[1] != asked.shape[1]:
        raise UsageError(
            "features and queries must be [n, d] and [q, d] with the same d; received "
            f"{tuple(bank.shape)} and {tuple(asked.shape)}. Pool feature maps first."
        )
    if labels.shape != (len(bank),) or truth.shape != (len(asked),):
        raise UsageError(
            f"{len(bank)} features and {len(asked)} queries need a label each; received labels "
            f"{tuple(labels.shape)} and {tuple(truth.shape)}."
        )
    if len(bank) < 2 or not len(asked):
        raise UsageError(f"{len(bank)} images to rank and {len(asked)} queries are too few.")
    if not ks or min(ks) < 1:
        raise UsageError(f"k is {list(ks)}; each must be 1 or more, and there must be one.")
    require_finite(bank)
    require_finite(asked)
