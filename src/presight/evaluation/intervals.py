"""Intervals of shares and of differences of shares. No torch."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from presight.errors import UsageError
from presight.evaluation.replicates import middle, replicates

Z95 = 1.959963984540054
"""Half the width of a standard normal's middle 95 %."""


class Interval(NamedTuple):
    """A mean or difference, and the low and high end of its 95 % interval."""

    value: float
    low: float
    high: float


Correct = NDArray[np.bool_]
"""bool [n], whether the answer to each image was right."""


def wilson(successes: int, n: int, *, z: float = Z95) -> tuple[float, float]:
    """Wilson's score interval of a share, by default at 95 %.

        (p + z^2 / 2n -+ z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n)

    Args:
        successes: 0..n.
        n: trials, 1 or more.
        z: quantile of the standard normal.

    Returns:
        Low and high, in [0, 1].

    Raises:
        UsageError: counts out of range.

    Source: Wilson, Probable Inference, the Law of Succession, and Statistical Inference, JASA 1927.
    """
    if n < 1 or not 0 <= successes <= n:
        raise UsageError(f"{successes} of {n} is no share; expected 0 <= successes <= n, n >= 1.")
    share = successes / n
    center = share + z * z / (2 * n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    low = 0.0 if successes == 0 else max(0.0, (center - half) / scale)
    high = 1.0 if successes == n else min(1.0, (center + half) / scale)
    return low, high


def paired_difference(
    first: Correct, second: Correct, *, draws: int = 10_000, seed: int = 0
) -> Interval:
    """Difference of two accuracies on the same images, with its paired bootstrap 95 % interval.

    Images are resampled, the same for both. Of an image only the difference -1, 0 or 1 counts, so
    a draw of n images is a draw from a multinomial of three cells.

    Args:
        first: bool [n].
        second: bool [n], of the same images in the same order.
        draws: bootstrap samples.
        seed: of the draws.

    Returns:
        Difference first - second, low and high, in [-1, 1].

    Raises:
        UsageError: no images, or not the same number.
    """
    if len(first) != len(second) or not len(first):
        raise UsageError(
            f"{len(first)} and {len(second)} images cannot be paired; both results must be of the "
            "same test images."
        )
    return over_seeds((first.astype(np.int8) - second)[None], draws=draws, seed=seed)


def over_seeds(results: NDArray[np.int8], *, draws: int = 10_000, seed: int = 0) -> Interval:
    """Mean of results by seed and image, with a 95 % interval over both.

    Of one seed images are resampled with replacement. Of several, what images have in common for
    all seeds and what sets the seeds apart are drawn as `replicates` says: three seeds are too few
    to resample, and an image's effect on one seed alone is in the seeds' spread already.

    Args:
        results: int [S, n], by seed and image: 0 or 1 for an answer, -1 to 1 for a difference.
        draws: bootstrap samples.
        seed: of the draws.

    Returns:
        Mean, low and high; ends are not cut to the range of a share.

    Raises:
        UsageError: no seed or no image.
    """
    if results.ndim != 2 or not results.size:
        raise UsageError(f"results must be [seeds, images]; received {results.shape}.")
    seeds, n = results.shape
    if seeds > 1:
        drawn = replicates(results[:, None], draws=draws, seed=seed)[:, 0]
        return Interval(float(results.mean()), *middle(drawn))
    generator = np.random.default_rng(seed)
    # An image matters only by its result, of which there are few kinds.
    kinds, counts = np.unique(results[0].astype(np.int64), return_counts=True)
    sampled = generator.multinomial(n, counts / n, size=draws) @ kinds / n
    low, high = np.quantile(sampled, [0.025, 0.975])
    return Interval(float(results.mean()), float(low), float(high))
