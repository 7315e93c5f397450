"""Numbers about features without labels. Alarms and companions, not scores.

None of them ranks methods: features of pure noise have the highest rank and the best uniformity,
and features that never differ have the best alignment. Read each beside another one, at equal
number of images, and never across widths.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from presight.errors import UsageError
from presight.nn.spread import effective_rank, spread

_ROWS = 20_000  # rows that `describe` looks at
_PAIRS = 2048  # rows of which `describe` compares all pairs
_SAME = 1e-6  # of a unit's largest value: a smaller range is rounding


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
    rows = _rows(features)
    # Eigenvalues of the smaller product: in float64 their roots are good to 1e-8 of the largest.
    small = rows.T @ rows if rows.shape[1] <= len(rows) else rows @ rows.T
    return _entropy_rank(torch.linalg.eigvalsh(small).clamp_min(0.0).sqrt(), 1e-7)


def norms(features: Tensor) -> tuple[float, float, float]:
    """Lengths of the rows: the 5th, 50th and 95th percentile.

    Args:
        features: [n, d].
    """
    lengths = _rows(features).norm(dim=1)
    low, middle, high = lengths.quantile(lengths.new_tensor([0.05, 0.5, 0.95])).tolist()
    return low, middle, high


def dead_units(features: Tensor) -> float:
    """Share of the columns that have one value for all images, rounding aside; in [0, 1].

    Args:
        features: [n, d].
    """
    low, high = _rows(features).aminmax(dim=0)
    return float((high - low <= _SAME * torch.maximum(high, -low)).double().mean())


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
        In [-4 + a little, 0]: 0 where all rows are equal; `uniform_sphere` is the value of uniform
        directions. A row is never paired with itself.

    Source: as for `alignment`, with t = 2.
    """
    rows = functional.normalize(_rows(features), dim=1)
    n, lengths = len(rows), rows.square().sum(1)  # 1, but 0 for a row of zeros
    total = -float(n)  # the pairs of a row with itself
    for part, own in zip(torch.split(rows, _PAIRS), torch.split(lengths, _PAIRS), strict=True):
        squared = own[:, None] + lengths - 2.0 * part @ rows.T
        total += float(squared.clamp_min_(0.0).mul_(-2.0).exp_().sum())
    return math.log(total / (n * (n - 1.0)))


def uniform_sphere(d: int) -> float:
    """Uniformity of directions that are uniform in d dimensions: what a `uniformity` is read by.

        -4 + ln 0F1(d / 2; 4) = -4 + ln(Gamma(d/2) 2^-v I_v(4)), v = d/2 - 1

    Returns:
        -2.0798 for 3 dimensions, -3.5130 for 16, -3.9375 for 128; towards -4 for many.
    """
    from scipy.special import hyp0f1

    return float(math.log(hyp0f1(d / 2, 4.0)) - 4.0)


@dataclass(frozen=True)
class PowerLaw:
    """How fast the eigenvalues of a covariance fall: lambda_i ~ i^-alpha.

    Args:
        alpha: the exponent.
        fit: R squared of the line through the logarithms; below 0.95 it is no power law.
        first: of the window, from 1.
        last: its other end.
    """

    alpha: float
    fit: float
    first: int
    last: int


def power_law(values: Tensor, first: int, last: int) -> PowerLaw | None:
    """The line through the logarithms of eigenvalues `first` to `last`, by least squares.

    Args:
        values: [m], falling.
        first: from 1.
        last: at most m.

    Returns:
        None with fewer than three positive values in the window.
    """
    window = values[first - 1 : last].double()
    window = window[window > 0]
    if len(window) < 3:
        return None
    x = torch.arange(first, first + len(window)).double().log()
    y = window.log()
    x, y = x - x.mean(), y - y.mean()
    slope = float((x * y).sum() / x.square().sum())
    spread_of_y = float(y.square().sum())
    fit = 1.0 if spread_of_y == 0 else 1.0 - float((y - slope * x).square().sum()) / spread_of_y
    return PowerLaw(-slope, fit, first, first + len(window) - 1)


def alpha(features: Tensor) -> PowerLaw | None:
    """Fall of the centered covariance's eigenvalues, from the eleventh on.

    The first ten stand apart, and past n / 4 the tail is sampling noise: the window is 11 to
    min(d, n / 4, 200).

    Args:
        features: [n, d].

    Returns:
        None where the window holds fewer than three eigenvalues.

    Source: Agrawal, Mondal, Ghosh, Richards, alpha-ReQ, NeurIPS 2022; the window is ours.
    """
    rows = _rows(features)
    rows = rows - rows.mean(0)
    small = rows.T @ rows if rows.shape[1] <= len(rows) else rows @ rows.T
    values = torch.linalg.eigvalsh(small).flip(0) / max(1, len(rows) - 1)
    return power_law(values, 11, min(rows.shape[1], len(rows) // 4, 200))


@dataclass(frozen=True)
class Lidar:
    """Entropy rank of what tells images apart, in units of what tells views of one image apart.

    Args:
        value: in [1, min(n - 1, d)] but for a little; pure noise has nearly the largest.
        signal: trace(S_w^-1 S_b) / d: the companion without which `value` says nothing.
        images: n.
        views: q of each.
    """

    value: float
    signal: float
    images: int
    views: int

    @property
    def is_noise(self) -> bool:
        """Whether images differ hardly more than views do: the signal is below 2 / q."""
        return self.signal < 2.0 / self.views


def lidar(views: Tensor, *, delta: float = 1e-4) -> Lidar:
    """Linear discriminant rank: each image is a class, its views are the members.

        S_b = sum_i (m_i - m)(m_i - m)^T / (n - 1)
        S_w = sum_ij (z_ij - m_i)(z_ij - m_i)^T / (n (q - 1)) + delta I
        exp(-sum_k p_k log p_k), p_k = l_k / sum l_j + 1e-8, l the eigenvalues of
        S_w^-1/2 S_b S_w^-1/2

    Args:
        views: [n, q, d], q views of each image, grouped: views of different images in one group
            give noise the score of a perfect representation. With n (q - 1) below d, S_w is known
            by delta alone in some directions, and the signal is too large.
        delta: added to the diagonal of S_w, above 0; it means nothing but beside the features'
            scale.

    Raises:
        UsageError: fewer than two images or two views.

    Source: Thilak, Huang, Saremi, Dinh, Goh, Nakkiran, Susskind, Littwin, LiDAR, ICLR 2024.
    """
    if views.ndim != 3 or min(views.shape[:2]) < 2:
        raise UsageError(
            f"views must be [n, q, d] with n and q of 2 or more; received {tuple(views.shape)}."
        )
    z = views.detach().double().cpu()
    n, q, d = z.shape
    means = z.mean(1)
    centered = means - means.mean(0)
    inside = (z - means[:, None]).reshape(n * q, d)
    within = inside.T @ inside / (n * (q - 1)) + delta * torch.eye(d, dtype=z.dtype)
    values, vectors = torch.linalg.eigh(within)
    whitened = centered @ (vectors * values.clamp_min(delta).rsqrt()) / math.sqrt(n - 1)
    small = whitened.T @ whitened if d <= n else whitened @ whitened.T
    eigenvalues = torch.linalg.eigvalsh(small).clamp_min(0.0)
    return Lidar(_entropy_rank(eigenvalues, 1e-8), float(eigenvalues.sum()) / d, n, q)


def sampled(features: Tensor, seed: int = 0) -> Tensor:
    """The rows in a random order, 20,000 of them at most.

    Args:
        features: [n, d]; files often lie by class, so that the first rows stand for few classes.
        seed: of the order.
    """
    order = torch.randperm(len(features), generator=torch.Generator().manual_seed(seed))
    return features[order[:_ROWS].to(features.device)]


def describe(features: Tensor, seed: int = 0) -> dict[str, float]:
    """The numbers that one set of features allows, with the count they were computed on.

    Args:
        features: [n, d]; `sampled` says which rows are looked at.
        seed: of the sample.

    Returns:
        Nothing for fewer than two rows.
    """
    if len(features) < 2:
        return {}
    rows = sampled(features, seed)
    low, middle, high = norms(rows)
    return {
        "effective_rank": effective_rank(rows),
        "rankme": rankme(rows),
        "feature_std": spread(rows),
        "feature_std_centered": spread(rows, centered=True),
        "norm_low": low,
        "norm_median": middle,
        "norm_high": high,
        "dead_units": dead_units(rows),
        "uniformity": uniformity(rows[:_PAIRS]),
        "rank_images": len(rows),
    }
