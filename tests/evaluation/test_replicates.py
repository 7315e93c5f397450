from __future__ import annotations

import math

import numpy as np
import pytest

from presight.errors import UsageError
from presight.evaluation.replicates import joint, middle, replicates


def answers(seed: int, seeds: int, n: int, apart: float) -> np.ndarray:
    """Two curves' answers [S, 2, n]: images differ in difficulty, seeds in ability."""
    generator = np.random.default_rng(seed)
    difficulty = generator.standard_normal(n)
    found = np.empty((seeds, 2, n), np.int8)
    for one in range(seeds):
        ability = apart * generator.standard_normal()
        for curve in range(2):
            found[one, curve] = (
                0.3 * curve + ability + difficulty + generator.standard_normal(n) > 0
            )
    return found


def test_of_one_seed_they_spread_like_the_mean_over_images() -> None:
    """Variance p (1 - p) / n of each, and covariance of the two over the same images."""
    results = answers(0, 1, 400, 0.0)
    drawn = replicates(results, draws=40_000)
    assert np.cov(drawn.T) == pytest.approx(np.cov(results[0], ddof=0) / 400, rel=0.05)
    assert drawn.mean(0) == pytest.approx(results[0].mean(1), abs=1e-3)


def test_of_equal_images_they_spread_by_student_s_t() -> None:
    """Three seeds of 0.4, 0.5, 0.6: deviation 0.1, t of two degrees of freedom 4.303."""
    results = np.repeat(np.array([0.4, 0.5, 0.6])[:, None, None], 7, axis=2)
    low, high = middle(replicates(results, draws=40_000)[:, 0])
    assert high - 0.5 == pytest.approx(4.303 * 0.1 / math.sqrt(3), rel=0.05)
    assert 0.5 - low == pytest.approx(4.303 * 0.1 / math.sqrt(3), rel=0.05)


def test_what_seeds_share_cancels_in_a_gap() -> None:
    """Both curves move with the seed alike: their gap is known far better than each of them."""
    results = np.repeat(np.array([[0.4, 0.5], [0.5, 0.6], [0.6, 0.7]])[:, :, None], 5, axis=2)
    drawn = replicates(results)
    assert np.ptp(drawn[:, 0]) > 0.5
    assert drawn[:, 1] - drawn[:, 0] == pytest.approx(0.1, abs=1e-9)


def test_images_noise_is_counted_once() -> None:
    """Seeds whose answers have nothing in common already show the noise of images in their spread.

    Of pure coin flips the mean of S seeds over n images has the variance 1 / (4 S n); counted by
    seeds and by images both it would be twice that.
    """
    ratios = []
    for seed in range(60):
        flips = np.random.default_rng(seed).integers(0, 2, (10, 1, 200))
        spread = replicates(flips, draws=2000, seed=seed)[:, 0].var()
        ratios.append(spread * 4 * 10 * 200 * 7 / 9)  # variance of t with 9 degrees: 9 / 7
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.3)


def test_the_order_of_seeds_or_images_does_not_matter() -> None:
    results = answers(1, 3, 100, 0.2)
    turned = results[:, :, np.random.default_rng(0).permutation(100)]
    assert replicates(turned, seed=3) == pytest.approx(replicates(results, seed=3))


@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_coverage_of_a_gap(seeds: int) -> None:
    """The nominal 95 % interval of a gap covers it in 92 to 98 % of 300 draws."""
    truth = np.mean([np.diff(answers(s, 40, 500, 0.0).mean((0, 2))) for s in range(2000, 2100)])
    inside = 0
    for seed in range(300):
        drawn = replicates(answers(seed, seeds, 500, 0.1), draws=500, seed=seed)
        low, high = middle(drawn[:, 1] - drawn[:, 0])
        inside += low <= truth <= high
    assert 0.92 <= inside / 300 <= 0.98


def test_seeds_move_all_sets_of_images_together() -> None:
    """What seeds do alike to two sets cancels in their difference; images of each set do not."""
    moved = np.array([0.4, 0.5, 0.6])[:, None, None]
    first, second = joint([np.repeat(moved, 7, axis=2), np.repeat(moved + 0.1, 9, axis=2)])
    assert np.ptp(first) > 0.5
    assert second - first == pytest.approx(0.1, abs=1e-9)
    results = [answers(seed, 1, 400, 0.0)[:, :1] for seed in (0, 1)]
    one, other = joint(results, draws=20_000)
    assert np.corrcoef(one[:, 0], other[:, 0])[0, 1] == pytest.approx(0.0, abs=0.03)


def test_sets_of_other_seeds_are_refused() -> None:
    with pytest.raises(UsageError, match="seeds"):
        joint([np.zeros((2, 1, 4)), np.zeros((3, 1, 4))])


def test_the_middle_bears_what_is_beyond_measure() -> None:
    drawn = np.array([-math.inf] * 30 + [1.0] * 940 + [math.inf] * 30)
    assert middle(drawn) == (-math.inf, math.inf)
    assert middle(np.array([1.0] * 990 + [math.inf] * 10)) == (1.0, 1.0)


@pytest.mark.parametrize("shape", [(0, 1, 4), (2, 1, 0), (3, 4)])
def test_refuses_shapes(shape: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match="seeds, curves, images"):
        replicates(np.zeros(shape))


def test_refuses_what_is_not_finite() -> None:
    with pytest.raises(UsageError, match="finite"):
        replicates(np.full((1, 1, 3), np.nan))
