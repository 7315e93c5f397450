"""Contrastive losses: tell an embedding's partner from other images' embeddings."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

from presight.errors import UsageError

Gather = Callable[[Tensor], tuple[Tensor, int]]
"""Embeddings [n, d] to all processes' rows [W*n, d], with gradient, and where the own begin."""


def nt_xent(
    first: Tensor, second: Tensor, *, temperature: float, gather: Gather | None = None
) -> Tensor:
    """NT-Xent: each of 2N embeddings against its partner and the 2N - 2 others of the batch.

        mean over the 2N rows i of  -s(i, partner) / T + log sum over k != i of exp(s(i, k) / T)

    with s the cosine. Both directions are averaged, as in the paper; the authors' code adds them
    up and so returns twice this value.

    Args:
        first: [n, d], embeddings of one view of n images; any length, they are normalized here.
        second: [n, d], embeddings of another view of the same images.
        temperature: T > 0, divides the cosines.
        gather: makes negatives of all processes' rows: embeddings -> (all rows with gradient,
            where this process's rows begin). None keeps to this process.

    Returns:
        Scalar, nats, mean over this process's 2n rows. log(2N - 1) when all embeddings are equal,
        log(1 + (2N - 2) exp(-1/T)) for N orthogonal pairs of equal embeddings, 0 for one pair.

    Raises:
        UsageError: shapes that are not [n, d] and equal, or a temperature that is not positive.

    Source: Chen et al., A Simple Framework for Contrastive Learning (ICML 2020), equation 1.

    Example:
        >>> import torch
        >>> from presight.losses import nt_xent
        >>> equal = torch.ones(8, 16)
        >>> print(f"{nt_xent(equal, equal, temperature=0.1):.4f}")  # collapsed: log 15
        2.7081
        >>> apart = torch.eye(8)
        >>> print(f"{nt_xent(apart, apart, temperature=0.1):.4f}")
        0.0006
    """
    _check(first, second, temperature)
    first, second = unit(first), unit(second)
    (all_first, start), (all_second, _) = (
        (view, 0) if gather is None else gather(view) for view in (first, second)
    )
    count = len(all_first)
    rows = torch.arange(start, start + len(first), device=first.device)
    own = torch.cat((rows, rows + count))
    partner = torch.cat((rows + count, rows))
    everyone = torch.cat((all_first, all_second))  # [2N,d]
    logits = _logits(torch.cat((first, second)), everyone, temperature)  # [2n,2N]
    logits = logits.scatter(1, own[:, None], -math.inf)  # nobody is a negative of itself
    with _full_precision(logits):
        return cross_entropy(logits, partner)


def info_nce(
    queries: Tensor, keys: Tensor, *, temperature: float, negatives: Tensor | None = None
) -> Tensor:
    """InfoNCE: each query against its own key and the negatives.

        mean over rows i of  -q(i).k(i) / T + log(exp(q(i).k(i) / T) + sum over negatives exp(./T))

    Args:
        queries: [n, d], normalized here.
        keys: [n, d], row i is the positive of query i; normalized here.
        temperature: T > 0, divides the cosines.
        negatives: [K, d], shared by all queries, such as a queue; normalized here. None takes the
            other rows of `keys`.

    Returns:
        Scalar, nats. When all embeddings are equal: log n without negatives, log(K + 1) with them;
        log(1 + (n - 1) exp(-1/T)) for n orthogonal pairs of equal embeddings.

    Raises:
        UsageError: shapes that do not fit, or a temperature that is not positive.

    Source: van den Oord et al., Representation Learning with Contrastive Predictive Coding (2018),
    equation 4; with a queue: He et al., Momentum Contrast (CVPR 2020), equation 1.

    Example:
        >>> import torch
        >>> from presight.losses import info_nce
        >>> queries, keys, queue = torch.ones(4, 16), torch.ones(4, 16), torch.ones(64, 16)
        >>> print(f"{info_nce(queries, keys, temperature=0.2, negatives=queue):.4f}")  # log 65
        4.1744
    """
    _check(queries, keys, temperature)
    queries, keys = unit(queries), unit(keys)
    if negatives is None:
        logits = _logits(queries, keys, temperature)  # [n,n]
        target = torch.arange(len(queries), device=queries.device)
    else:
        if negatives.ndim != 2 or negatives.shape[1] != queries.shape[1]:
            raise UsageError(
                f"negatives must be [K, {queries.shape[1]}]; received {tuple(negatives.shape)}."
            )
        with _full_precision(queries):
            positive = (queries * keys).sum(1, keepdim=True) / temperature  # [n,1]
        negative = _logits(queries, unit(negatives), temperature)  # [n,K]
        logits = torch.cat((positive, negative), 1)
        target = torch.zeros(len(queries), dtype=torch.int64, device=queries.device)
    with _full_precision(logits):
        return cross_entropy(logits, target)


def unit(embedding: Tensor) -> Tensor:
    """Rows of length 1, float32 (float64 stays) [n, d]; a row of zeros stays zero."""
    exact = embedding if embedding.dtype == torch.float64 else embedding.float()
    return normalize(exact, dim=-1)


def _logits(rows: Tensor, columns: Tensor, temperature: float) -> Tensor:
    """Cosines over temperature; a half-precision product would be 0.06 off at T = 0.07."""
    with _full_precision(rows):
        return rows @ columns.T / temperature


def _full_precision(like: Tensor) -> torch.autocast:
    return torch.autocast(like.device.type, enabled=False)


def _check(first: Tensor, second: Tensor, temperature: float) -> None:
    for embedding in (first, second):
        if embedding.ndim != 2:
            advice = " Pool it first." if embedding.ndim == 4 else ""
            raise UsageError(
                f"embedding must be [n, d]; received {tuple(embedding.shape)}.{advice}"
            )
    if first.shape != second.shape:
        raise UsageError(
            f"embeddings of two views must have equal shapes; received {tuple(first.shape)} "
            f"and {tuple(second.shape)}. Encode the same images twice."
        )
    if not temperature > 0:
        raise UsageError(f"temperature must be above 0; received {temperature}. Try 0.1 to 0.5.")
