"""How far embeddings spread: the numbers that a collapse shows in first."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from presight.errors import UsageError


def effective_rank(rows: Tensor) -> float:
    """The exponential of the entropy of the centered rows' singular values.

        exp(-sum_k p_k log p_k), p_k = s_k / sum_j s_j

    Args:
        rows: float [n, d].

    Returns:
        In [1, min(n, d)]; 0 where all rows are equal, which leaves no direction.

    Source: Roy, Vetterli: The Effective Rank (EUSIPCO 2007).
    """
    rows = _checked(rows)
    # Rounding of a mean is no direction.
    floor = torch.finfo(torch.float32).eps * float(rows.abs().max()) * math.sqrt(len(rows))
    rows = rows - rows.mean(0)
    gram = rows @ rows.T if len(rows) <= rows.shape[1] else rows.T @ rows
    values = torch.linalg.eigvalsh(gram).clamp(min=0).sqrt()
    values = values[values > floor]
    if not len(values):
        return 0.0
    share = values / values.sum()
    return float(torch.exp(-(share * share.log()).sum()))


def spread(rows: Tensor, *, centered: bool = False) -> float:
    """Standard deviation of the unit rows' entries, times sqrt(d).

    Args:
        rows: float [n, d].
        centered: take off the mean row first. That is blind to how little rows differ beside what
            they share, and says how even their differences are.

    Returns:
        About 1 where directions are uniform, 0 where all are equal. Rows that are never negative,
        as after a ReLU, stay at about 0.8 at best, and at about 1 when centered.

    Source: Chen, He: Exploring Simple Siamese Representation Learning (CVPR 2021), section 4.1.
    """
    rows = _checked(rows)
    if centered:
        rows, largest = rows - rows.mean(0), rows.abs().max()
        rows[rows.abs() <= torch.finfo(torch.float32).eps * largest] = 0.0  # rounding
    unit = functional.normalize(rows, dim=1)
    return float(unit.std(0, correction=0).mean() * math.sqrt(unit.shape[1]))


def _checked(rows: Tensor) -> Tensor:
    if rows.ndim != 2 or len(rows) < 2:
        raise UsageError(
            f"embeddings must be [n, d] with n >= 2; received {tuple(rows.shape)}. Pool first."
        )
    return rows.detach().cpu().double()
