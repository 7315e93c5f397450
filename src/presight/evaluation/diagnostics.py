"""Numbers about features without labels. Alarms and companions, not scores.

None of them ranks methods: features of pure noise have the highest rank and the best uniformity,
and features that never differ have the best alignment. Read each beside another one, at equal
number of images, and never across widths.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from presight.errors import UsageError
from presight.nn.spread import effective_rank, spread

_ROWS = 20_000  # rows that `describe` looks at
_PAIRS = 2048  # rows of which all pairs are compared


def _entropy_rank(weights: Tensor, eps: float) -> float:
    total = weights.sum()
    if not float(total) > 0.0:
        return 1.0
    shares = weights / total + eps
    return float(torch.exp(-(shares * shares.log()).sum()))


def _rows(features: Tensor) -> Tensor:
    if features.ndim != 2 or len(features) < 2:
        raise UsageError(
            f"features must be [n, d] with n >= 2; received {tuple(features.shape)}. "
            "Pool feature maps first."
        )
    return features.detach().double().cpu()


def rankme(features: Tensor) -> float:
    """Entropy rank of the features as they are.

        exp(-sum_k p_k log p_k), p_k = s_k / sum_j s_j + 1e-7, s the singular values

    Args:
        features: [n, d]. Below n = 16 d the value grows with n: compare at equal n.

    Returns:
        In [1, min(n, d)] but for the 1e-7. A common offset lowers it without any loss of
        information, so print `effective_rank` beside it.

    Source: Garrido, Balestriero, Najman, LeCun, RankMe, ICML 2023, equation 1.
    """
    return _entropy_rank(torch.linalg.svdvals(_rows(features)), 1e-7)


def alignment(first: Tensor, second: Tensor) -> float:
    """Mean squared distance of positive pairs on the unit sphere, in [0, 4]; lower is closer.

    Args:
        first: [n, d].
        second: [n, d], other views of the same images, in the same order.

    Source: Wang and Isola, Understanding Contrastive Representation Learning through Alignment
    and Uniformity on the Hypersphere, ICML 2020.
    """
    one, other = _rows(first), _rows(second)
    if one.shape != other.shape:
        raise UsageError(
            f"pairs need equal shapes; received {tuple(one.shape)} and {tuple(other.shape)}."
        )
    gap = functional.normalize(one, dim=1) - functional.normalize(other, dim=1)
    return float(gap.square().sum(1).mean())


def uniformity(features: Tensor) -> float:
    """Log of the mean of exp(-2 distance^2) over distinct pairs of unit rows.

    Returns:
        In [-4 + a little, 0]: 0 where all rows are equal, -2.0798 for uniform directions in three
        dimensions, -3.9375 in 128. A row is never paired with itself.

    Source: as for `alignment`, with t = 2.
    """
    rows = functional.normalize(_rows(features), dim=1)
    n = len(rows)
    squared = (2.0 - 2.0 * rows @ rows.T).clamp_min(0.0)
    exponents = (-2.0 * squared).masked_fill_(torch.eye(n, dtype=torch.bool), -torch.inf)
    return float(exponents.flatten().logsumexp(0) - torch.tensor(n * (n - 1.0)).log())


def describe(features: Tensor, seed: int = 0) -> dict[str, float]:
    """The numbers that one set of features allows, with the count they were computed on."""
    if len(features) < 2:
        return {}
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(features), generator=generator)
    rows = features[order[:_ROWS].to(features.device)]
    return {
        "effective_rank": effective_rank(rows),
        "rankme": rankme(rows),
        "feature_std": spread(rows),
        "uniformity": uniformity(rows[:_PAIRS]),
        "rank_images": len(rows),
    }
