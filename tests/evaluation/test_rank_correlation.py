from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from presight.evaluation.rank_correlation import spearman

SEEDS = 3


@pytest.mark.parametrize("alike", [0.0, 0.95])
def test_of_noise_hardly_any_tells_whether_or_not_seeds_are_alike(alike: float) -> None:
    """Nominal 5 of 100; as networks of their own, seeds that are alike would tell in 40."""
    draw, told = np.random.default_rng(0), 0
    groups = np.repeat(np.arange(6), SEEDS)
    for _ in range(100):
        parts = alike**0.5 * draw.normal(size=(2, 6))[:, groups]
        pair = parts + (1 - alike) ** 0.5 * draw.normal(size=(2, 6 * SEEDS))
        _, low, high = spearman(*pair.tolist(), groups.tolist(), draws=200) or (0, 0, 0)
        told += low > 0 or high < 0
    assert told <= 10


def test_seeds_of_an_arm_are_no_networks_of_their_own() -> None:
    """A figure that only knows its arm, out of order: as networks it would tell, as arms not."""
    order = [1, 0, 4, 2, 3, 5]
    first = [float(order[k // 20]) for k in range(120)]
    second = [k // 20 + 0.0 for k in range(120)]
    rho = stats.spearmanr(first, second)
    assert rho.pvalue < 1e-9
    value, low, _ = spearman(first, second, [k // 20 for k in range(120)]) or (0, 0, 0)
    assert value == pytest.approx(rho.statistic)
    assert low < 0.3
    _, alone, _ = spearman(first, second, range(120)) or (0, 0, 0)
    assert alone > 0.5


def test_rho_is_that_of_scipy_with_ties_and_unequal_groups() -> None:
    draw = np.random.default_rng(0)
    first, second = draw.integers(0, 5, 30).astype(float), draw.normal(size=30)
    found = spearman(first.tolist(), second.tolist(), [0] * 15 + [1] * 10 + [2] * 5)
    assert found is not None
    value, low, high = found
    assert value == pytest.approx(stats.spearmanr(first, second).statistic)
    assert low < value < high


def test_the_order_in_which_networks_stand_does_not_matter() -> None:
    draw = np.random.default_rng(1)
    groups = np.repeat(np.arange(6), 5)
    pair = draw.normal(size=(2, 6))[:, groups] + 0.1 * draw.normal(size=(2, 30))
    mixed = draw.permutation(30)
    found = spearman(*pair.tolist(), groups.tolist())
    again = spearman(*pair[:, mixed].tolist(), groups[mixed].tolist())
    assert again == pytest.approx(found, abs=0.08)


def test_of_values_that_are_all_the_same_there_is_none() -> None:
    assert spearman([1.0, 1.0, 1.0], [1.0, 2.0, 3.0], [0, 1, 2]) is None


def test_of_one_group_alone_its_values_are_resampled() -> None:
    rising = [float(k) for k in range(10)]
    value, low, high = spearman(rising, rising, [0] * 10) or (0, 0, 0)
    assert (value, low, high) == pytest.approx((1.0, 1.0, 1.0))
    assert max(value, high) <= 1.0
    mixed = np.random.default_rng(0).permutation(rising).tolist()
    _, low, high = spearman(rising, mixed, [0] * 10) or (0, 0, 0)
    assert low < 0 < high
