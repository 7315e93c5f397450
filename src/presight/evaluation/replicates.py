"""What several curves might have been with other seeds and other test images, drawn jointly."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from presight.errors import UsageError

Floats = NDArray[np.float64]


def replicates(results: NDArray[np.generic], *, draws: int = 2000, seed: int = 0) -> Floats:
    """Draws of several means over seeds and images, with the dependence between them kept.

        mean*_k = mean_k + normal(0, C / n)_k + t(S - 1) * sum_s z_s (m_sk - mean_k) / sqrt(S (S-1))

    where m_sk is seed s's mean over images, z is standard normal and C holds the covariances over
    images between results of *different* seeds: what images have in common for all seeds. What they
    do to one seed alone is part of the seeds' own spread already, and would be counted twice. Of a
    single seed C is the covariance over images and there is no second term. Seeds are too few to
    resample them: three take ten values only, and too narrow ones.

    Args:
        results: [S, K, n], by seed, curve and test image; the mean over images is the score. For a
            score that is no mean over images these are its influence values; see `influence`.
        draws: of each mean.
        seed: of the draws.

    Returns:
        float [draws, K].

    Raises:
        UsageError: no seed, curve or image, or a result that is not finite.
    """
    (drawn,) = joint([results], draws=draws, seed=seed)
    return drawn


def joint(sets: Sequence[NDArray[np.generic]], *, draws: int = 2000, seed: int = 0) -> list[Floats]:
    """Draws as of `replicates` for several sets of test images that the same seeds were tested on.

    What a seed does to one set it may do to another: its draws are common to all. Images of
    different sets have nothing in common.

    Args:
        sets: [S, K, n] each, with K and n of its own, of the same S seeds in the same order.
        draws: of each mean.
        seed: of the draws.

    Returns:
        For each set float [draws, K].

    Raises:
        UsageError: no seed, curve or image, another number of seeds, or a result that is not
            finite.
    """
    generator = np.random.default_rng(seed)
    found, apart = [], []
    for results in sets:
        if results.ndim != 3 or not results.size or len(results) != len(sets[0]):
            raise UsageError(f"results must be [seeds, curves, images]; received {results.shape}.")
        values = results.astype(np.float64)
        if not np.isfinite(values).all():
            raise UsageError("results by image must be finite numbers.")
        means = values.mean(2)
        root = _root(_shared(values) / values.shape[2])
        found.append(means.mean(0) + generator.standard_normal((draws, len(root))) @ root)
        apart.append(means - means.mean(0))
    seeds = len(sets[0])
    if seeds > 1:
        freedom = seeds - 1
        normal = generator.standard_normal((draws, seeds))
        heavy = np.sqrt(freedom / generator.chisquare(freedom, (draws, 1)))
        moved = heavy * normal / math.sqrt(seeds * freedom)
        found = [drawn + moved @ own for drawn, own in zip(found, apart, strict=True)]
    return found


def _shared(values: Floats) -> Floats:
    """Covariances [K, K] over images between results of different seeds; of one seed its own."""
    seeds, _, n = values.shape
    centered = values - values.mean(2, keepdims=True)
    total = centered.sum(0)
    together: Floats = total @ total.T
    alone = np.zeros_like(together) if seeds == 1 else np.einsum("skn,sln->kl", centered, centered)
    found: Floats = (together - alone) / (n * max(1, seeds * (seeds - 1)))
    return found


def _root(covariance: Floats) -> Floats:
    """A square root [K, K] of the nearest covariance that has no negative variance."""
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    root: Floats = np.sqrt(np.clip(values, 0.0, None))[:, None] * vectors.T
    return root


def middle(drawn: Floats, share: float = 0.95) -> tuple[float, float]:
    """Ends of the middle share of draws, of which some may be infinite.

    Args:
        drawn: [draws]; -inf and inf stand for values beyond what could be measured.
        share: in (0, 1).
    """
    tail = (1.0 - share) / 2.0
    low = np.quantile(drawn, tail, method="lower")
    high = np.quantile(drawn, 1.0 - tail, method="higher")
    return float(low), float(high)
