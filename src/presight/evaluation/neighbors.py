"""Nearest neighbors by cosine similarity: the probe without parameters."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional

from presight.errors import UsageError
from presight.evaluation.features import Progress, require_finite

_CELLS = 2**25  # similarities held at a time, 128 MiB
_TIE = 1e-5  # votes closer than this share of the largest are equal: float32 is no finer


def neighbor_count(n_train: int, n_classes: int, most: int = 200) -> int:
    """Neighbors that a bank of this size can bear: min(most, n / (2 C)), but three if there are.

    With more, the vote of a small bank only counts how many images each class has.

    Args:
        n_train: n, rows of the bank.
        n_classes: C.
        most: neighbors where the bank is large enough.
    """
    return max(1, min(most, max(3, n_train // (2 * max(1, n_classes))), n_train))


def _rows(features: Tensor) -> Tensor:
    return functional.normalize(features.float(), dim=1)


def similarities(
    bank: Tensor, queries: Tensor, *, itself: bool, cells: int = _CELLS
) -> Iterator[tuple[int, Tensor]]:
    """First row and cosine similarities float32 [b, n] of some queries at a time.

    Args:
        bank: float [n, d]; rows are normalized here.
        queries: float [q, d].
        itself: the queries are the bank, and no row is similar to itself: -inf.
        cells: similarities of a block, about.
    """
    bank, queries = _rows(bank), _rows(queries)
    size = max(1, cells // max(1, len(bank)))
    for start in range(0, len(queries), size):
        similar = queries[start : start + size] @ bank.T
        if itself:
            row = torch.arange(len(similar), device=similar.device)
            similar[row, row + start] = -torch.inf
        yield start, similar


def nearest(
    bank: Tensor, k: int, queries: Tensor | None = None, progress: Progress | None = None
) -> tuple[Tensor, Tensor]:
    """The k most similar rows by cosine, exact, nearest first; equal ones in the bank's order.

    Args:
        bank: float [n, d], on the device that does the work; rows are normalized here.
        k: 1 or more; cut to the rows there are.
        queries: float [q, d] on the same device; without them every row of the bank is one, and
            is no neighbor of itself.
        progress: told queries done and in all.

    Returns:
        Indices int64 [q, k] and similarities float32 [q, k] in [-1, 1], on the CPU.

    Raises:
        UsageError: k below 1, shapes that do not fit, or numbers that are not finite.
    """
    itself = queries is None
    asked = bank if queries is None else queries
    if bank.ndim != 2 or asked.ndim != 2 or bank.shape[1] != asked.shape[1]:
        raise UsageError(
            "bank and queries must be [n, d] and [q, d] with the same d; received "
            f"{tuple(bank.shape)} and {tuple(asked.shape)}. Pool feature maps first."
        )
    if k < 1:
        raise UsageError(f"k is {k}; it must be 1 or more.")
    require_finite(bank)
    require_finite(asked)
    k = max(0, min(k, len(bank) - itself))
    where = torch.empty(len(asked), k, dtype=torch.int64)
    alike = torch.empty(len(asked), k)
    for start, similar in similarities(bank, asked, itself=itself) if k else ():
        part = slice(start, start + len(similar))
        where[part], values = _first(similar, k)
        alike[part] = values.clamp(-1.0, 1.0)
        if progress is not None:
            progress(part.stop, len(asked))
    return where, alike


def _first(similar: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Indices and values of the k largest of each row; of equal ones the first."""
    top, where = similar.topk(min(k + 1, similar.shape[1]), dim=1)
    # By place, then stably by value: equals stand in the bank's order.
    where, order = where[:, :k].sort(dim=1)
    top_k, order = top[:, :k].gather(1, order).sort(dim=1, descending=True, stable=True)
    where = where.gather(1, order)
    if top.shape[1] > k:  # equals of the k-th were left out: they may come first
        for row in (top[:, k - 1] == top[:, k]).nonzero()[:, 0].tolist():
            last = top[row, k - 1]
            surely = (similar[row] > last).sum()
            equal = (similar[row] == last).nonzero()[:, 0]
            where[row, surely:] = equal[: k - int(surely)]
    return where.cpu(), top_k.cpu()


def _votes(similar: Tensor, labels: Tensor, k: int, temperature: float, classes: int) -> Tensor:
    """Float64 [q, classes] of similarities [q, n]: every neighbor counts exp((sim - max) / T).

    The row maximum is subtracted, so that no temperature overflows. All neighbors as similar as
    the k-th are counted, so that the order of the bank does not matter.
    """
    n = similar.shape[1]
    top, where = similar.topk(min(k + 1, n), dim=1)
    votes = torch.zeros(len(similar), classes, dtype=torch.float64, device=similar.device)
    weight = ((top[:, :k] - top[:, :1]).double() / temperature).exp()
    votes.scatter_add_(1, labels[where[:, :k]], weight)
    if n > k:
        tied = (top[:, k - 1] == top[:, k]).nonzero()[:, 0]
        if len(tied):
            rows = similar[tied]
            dense = ((rows - top[tied, :1]).double() / temperature).exp()
            dense.masked_fill_(rows < top[tied, k - 1 : k], 0.0)
            again = torch.zeros(len(tied), classes, dtype=torch.float64, device=rows.device)
            votes[tied] = again.scatter_add_(1, labels.expand(len(tied), n), dense)
    return votes


def knn(
    train: Tensor,
    train_labels: Tensor,
    test: Tensor,
    *,
    k: int = 200,
    temperature: float = 0.07,
    leave_one_out: bool = False,
) -> Tensor:
    """Classes by a vote of the k most similar training images, weighted by exp(cosine / T).

    Args:
        train: float [n, d], the bank; rows are normalized here.
        train_labels: int64 [n], 0 or more.
        test: float [q, d], on the bank's device.
        k: neighbors that vote. Above n, `neighbor_count` decides instead: two hundred of a
            hundred labels would vote for the largest class.
        temperature: positive; small values trust the nearest alone.
        leave_one_out: `test` is the bank itself, and no row votes for itself.

    Returns:
        int64 [q]; equal votes go to the lowest class.

    Raises:
        UsageError: an empty bank, k or temperature out of range, sizes that do not fit, features
            that are not finite.

    Source: Wu, Xiong, Yu, Lin, Unsupervised Feature Learning via Non-Parametric Instance
    Discrimination, CVPR 2018, section 3.4.

    Example:
        >>> import torch
        >>> from presight.evaluation import knn
        >>> bank, labels = torch.eye(3), torch.tensor([0, 1, 2])
        >>> knn(bank, labels, torch.tensor([[0.9, 0.1, 0.0], [0.0, 0.1, 2.0]]), k=1)
        tensor([0, 2])
    """
    _check(train, train_labels, test, k, temperature, leave_one_out)
    classes, labels = torch.unique(train_labels.long(), return_inverse=True)
    n = len(train) - leave_one_out
    if k > n:
        k = neighbor_count(n, len(classes))
    predictions = []
    for _, similar in similarities(train, test, itself=leave_one_out):
        votes = _votes(similar, labels, k, temperature, len(classes))
        equal = votes >= votes.amax(1, keepdim=True) * (1.0 - _TIE)
        first = equal.to(torch.uint8).argmax(1)  # argmax takes the first of equals
        predictions.append(classes[first])
    return torch.cat(predictions) if predictions else labels.new_empty(0)


def _check(
    train: Tensor, labels: Tensor, test: Tensor, k: int, temperature: float, leave_one_out: bool
) -> None:
    if train.ndim != 2 or test.ndim != 2 or train.shape[1] != test.shape[1]:
        raise UsageError(
            "train and test must be [n, d] and [q, d] with the same d; received "
            f"{tuple(train.shape)} and {tuple(test.shape)}. Pool feature maps first."
        )
    if len(train) < 1 + leave_one_out or labels.shape != (len(train),):
        raise UsageError(
            f"{len(train)} training features with labels of shape {tuple(labels.shape)}; "
            "expected one label a feature, and one feature or more (two for leave_one_out)."
        )
    if k < 1 or not temperature > 0.0:
        raise UsageError(f"k is {k} and temperature {temperature}; both must be positive.")
    if int(labels.min()) < 0:
        raise UsageError(f"the lowest label is {int(labels.min())}; labels count from 0.")
    if leave_one_out and len(test) != len(train):
        raise UsageError(
            f"leave_one_out needs the bank as test; received {len(train)} and {len(test)} rows."
        )
    require_finite(train)
    require_finite(test)
