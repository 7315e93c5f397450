"""Ridge classification in closed form: what a monitor of a running pretraining can afford."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from presight.errors import UsageError
from presight.evaluation.classifier import LinearClassifier
from presight.evaluation.features import require_finite

RELATIVE = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
"""Strengths that are tried, times n times the features' mean variance."""


@dataclass(frozen=True, slots=True)
class Ridge(LinearClassifier):
    """A linear classifier of features, in float64, fitted by least squares.

    Scores are about 1 for the class and 0 for others, and sum to 1.

    Args:
        tried: pairs (strength, mean squared error of the targets with each row left out).
    """

    tried: tuple[tuple[float, float], ...]


def ridge(
    train: Tensor, train_labels: Tensor, *, strengths: Sequence[float] | None = None
) -> Ridge:
    """Least squares on one column a class, 1 or 0, with a penalty on the weights, none on the bias.

    W, b minimize |Y - X W^T - b|^2 + strength * |W|^2. The strength is the one of least squared
    error with each row left out, which needs no second fit: with H the matrix that maps targets to
    fitted values, the residual of a row that was left out is its residual divided by (1 - H_ii).

    Args:
        train: float [n, d] on the CPU, 2 rows or more.
        train_labels: int64 [n].
        strengths: above 0; by default five from 1e-4 to 1, times n times the mean variance of the
            features, so that the choice does not depend on their scale.

    Returns:
        The classifier of the best strength; of equal ones the strongest.

    Raises:
        UsageError: too few rows or labels, features that are not finite, or a strength that is not
            above 0.

    Source: Allen, Technometrics 16, 1974 (the residuals of rows that were left out).
    """
    if len(train) < 2 or train_labels.shape != (len(train),):
        raise UsageError(
            f"ridge: {len(train)} rows of features and labels {tuple(train_labels.shape)} were "
            "given; 2 rows or more are needed, and a label for each."
        )
    require_finite(train)
    classes, column = torch.unique(train_labels, return_inverse=True)
    targets = torch.nn.functional.one_hot(column, len(classes)).double()
    center, level = train.double().mean(0), targets.mean(0)
    rows, targets = (train.double() - center).float(), targets - level
    values, vectors, parts = _spectrum(rows)
    scale = float(values.sum()) / train.shape[1] or 1.0
    chosen = [r * scale for r in RELATIVE] if strengths is None else list(strengths)
    if not chosen or min(chosen) <= 0.0:
        raise UsageError(f"ridge: the strengths are {chosen}; numbers above 0 were expected.")
    chosen = sorted(chosen, reverse=True)
    tried = list(zip(chosen, _left_out(parts, values, targets, chosen), strict=True))
    strength = min(tried, key=lambda pair: pair[1])[0]
    weight = _weights(rows, values, vectors, parts, targets, strength).T
    return Ridge(classes, weight, level - weight @ center, strength, tuple(tried))


def _spectrum(rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Eigenvalues and vectors of the smaller Gram matrix, and the rows in the basis of features.

    The Gram matrix is made in float32 and taken apart in float64.
    """
    wide = rows.shape[1] > len(rows)
    gram = (rows @ rows.T if wide else rows.T @ rows).double()
    values, vectors = torch.linalg.eigh(gram)
    values = values.clamp_min(0.0)
    parts = vectors * values.sqrt() if wide else (rows @ vectors.float()).double()
    return values, vectors, parts


def _left_out(
    parts: Tensor, values: Tensor, targets: Tensor, strengths: Sequence[float]
) -> list[float]:
    """Mean squared residuals of rows left out; the bias, fitted too, takes 1/n of each row."""
    shares = 1.0 / (values[:, None] + torch.tensor(strengths, dtype=values.dtype))  # [d, s]
    leverage = parts.square() @ shares + 1.0 / len(parts)
    moments = parts.T @ targets
    errors = []
    for share, own in zip(shares.T, leverage.T, strict=True):
        residual = targets - parts @ (moments * share[:, None])
        errors.append(float((residual / (1.0 - own)[:, None]).square().mean()))
    return errors


def _weights(
    rows: Tensor, values: Tensor, vectors: Tensor, parts: Tensor, targets: Tensor, strength: float
) -> Tensor:
    """Float64 [d, C]."""
    if rows.shape[1] > len(rows):
        return rows.double().T @ (vectors @ ((vectors.T @ targets) / (values + strength)[:, None]))
    return vectors @ ((parts.T @ targets) / (values + strength)[:, None])
