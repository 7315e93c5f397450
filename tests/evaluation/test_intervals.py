from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest

from presight.errors import UsageError
from presight.evaluation.intervals import over_seeds, paired_difference, wilson


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [
        (5, 10, 0.23659, 0.76341),
        (0, 10, 0.0, 0.27753),
        (10, 10, 0.72247, 1.0),
        (81, 263, 0.25527, 0.36624),
        (15, 148, 0.06239, 0.16056),
    ],
)
def test_wilson_values(hits: int, n: int, low: float, high: float) -> None:
    """The last two are examples of Newcombe, Statistics in Medicine 1998, to four digits."""
    assert wilson(hits, n) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))


def test_wilson_is_symmetric_and_narrows() -> None:
    low, high = wilson(30, 100)
    assert wilson(70, 100) == (pytest.approx(1 - high), pytest.approx(1 - low))
    assert np.diff(wilson(300, 1000)) < np.diff(wilson(30, 100))


@pytest.mark.parametrize(("hits", "n"), [(1, 0), (-1, 3), (4, 3)])
def test_wilson_refuses(hits: int, n: int) -> None:
    with pytest.raises(UsageError):
        wilson(hits, n)


def cases(both: int, first: int, second: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    counts = [both, first, second, neither]
    return np.repeat([True, True, False, False], counts), np.repeat(
        [True, False, True, False], counts
    )


def test_pairing_halves_the_interval() -> None:
    """Standard error sqrt((b + c) - (b - c)^2 / n) / n of b and c discordant images."""
    first, second = cases(1540, 96, 49, 315)
    difference, low, high = paired_difference(first, second)
    assert difference == pytest.approx(47 / 2000)
    error = ((96 + 49) - 47**2 / 2000) ** 0.5 / 2000
    assert (low, high) == (
        pytest.approx(difference - 1.96 * error, abs=1e-3),
        pytest.approx(difference + 1.96 * error, abs=1e-3),
    )
    share = first.mean()
    unpaired = 2 * 1.96 * (2 * share * (1 - share) / 2000) ** 0.5
    assert high - low < 0.55 * unpaired


def test_pairing_makes_a_difference_of_two_points_significant() -> None:
    """Accuracies of 79.45 and 81.80 % on 2,000 images: [1.20, 3.45] points, unpaired [-0.05, 4.85].

    A paired interval that wide has 133 images that one of the two answers rightly.
    """
    first, second = cases(1546, 90, 43, 321)
    assert (first.mean(), second.mean()) == (0.8180, 0.7945)
    difference, low, high = paired_difference(first, second)
    step = 1 / 2000  # of what a difference can be
    assert (low, high) == pytest.approx((0.0120, 0.0345), abs=1.2 * step)
    assert high - low == pytest.approx(0.0225, abs=step)
    generator = np.random.default_rng(0)
    apart = (generator.binomial(2000, (0.8180, 0.7945), (10_000, 2)) @ (1, -1)) / 2000
    unpaired = np.quantile(apart, (0.025, 0.975))
    assert unpaired == pytest.approx((-0.0005, 0.0485), abs=2 * step)
    error = math.sqrt((0.8180 * 0.1820 + 0.7945 * 0.2055) / 2000)
    assert 2 * 1.96 * error == pytest.approx(0.0490, abs=step)
    assert low > 0 > difference - 1.96 * error


def test_many_seeds_take_little_memory() -> None:
    """Ten seeds have 59,049 kinds of columns and 21 kinds of sums: only those are resampled."""
    generator = np.random.default_rng(0)
    results = generator.integers(-1, 2, (10, 20_000)).astype(np.int8)
    tracemalloc.start()
    over_seeds(results, draws=2000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6


def test_equal_results_differ_by_nothing() -> None:
    same = np.array([True, False, True])
    assert paired_difference(same, same) == (0.0, 0.0, 0.0)


def test_sign_and_seed() -> None:
    first, second = cases(10, 20, 5, 3)
    forward, back = paired_difference(first, second), paired_difference(second, first)
    assert forward[0] == -back[0]
    assert paired_difference(first, second) == forward


def test_refuses_other_images() -> None:
    with pytest.raises(UsageError):
        paired_difference(np.array([True]), np.array([True, False]))
    with pytest.raises(UsageError):
        paired_difference(np.array([], bool), np.array([], bool))


def test_coverage_of_the_paired_interval() -> None:
    """Correlated answers, true difference 0.06: the nominal 95 % cover it in 92 to 98 %."""
    generator = np.random.default_rng(0)
    inside = 0
    for draw in range(400):
        cells = generator.multinomial(500, [0.6, 0.14, 0.08, 0.18])
        _, low, high = paired_difference(*cases(*cells), draws=500, seed=draw)
        inside += low <= 0.06 <= high
    assert 0.92 <= inside / 400 <= 0.98


def test_of_one_seed_the_interval_is_the_paired_one() -> None:
    generator = np.random.default_rng(0)
    first, second = generator.random(400) < 0.7, generator.random(400) < 0.6
    found = over_seeds((first.astype(np.int8) - second)[None], seed=3)
    assert found == paired_difference(first, second, seed=3)


def test_equal_seeds_add_nothing_and_unlike_ones_widen() -> None:
    one = (np.random.default_rng(1).random(1000) < 0.6).astype(np.int8)
    same = over_seeds(np.stack([one, one, one]))
    alone = over_seeds(one[None])
    assert same == pytest.approx(alone, abs=0.002)
    worse, better = one.copy(), one.copy()
    worse[np.flatnonzero(one)[:40]] = 0
    better[np.flatnonzero(one == 0)[:40]] = 1
    wide = over_seeds(np.stack([worse, one, better]))
    assert wide.value == pytest.approx(alone.value)
    assert wide.high - wide.low > 2 * (alone.high - alone.low)
    half = 4.303 * 0.04 / math.sqrt(3)  # Student's t of two degrees of freedom, deviation 0.04
    assert wide.high - wide.value == pytest.approx(half, rel=0.15)


def test_coverage_over_three_seeds_and_500_images() -> None:
    """Seeds differ by 2 points, images share their difficulty: 95 % intervals hold the truth."""
    generator = np.random.default_rng(0)
    held, truth, trials = 0, 0.7, 400
    for _ in range(trials):
        ability = truth + 0.02 * generator.standard_normal(3)
        results = (generator.random((3, 500)) < ability[:, None]).astype(np.int8)
        found = over_seeds(results, draws=500, seed=int(generator.integers(2**31)))
        held += found.low <= truth <= found.high
    assert 0.92 <= held / trials <= 0.98


@pytest.mark.parametrize("shape", [(0, 5), (3, 0), (5,)])
def test_no_results_have_no_interval(shape: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match="seeds, images"):
        over_seeds(np.zeros(shape, np.int8))


def test_equal_abilities_are_rarely_told_apart() -> None:
    """The share of false alarms of the nominal 95 % paired interval is 3 to 7 %."""
    generator = np.random.default_rng(1)
    alarms = 0
    for draw in range(1000):
        cells = generator.multinomial(500, [0.6, 0.1, 0.1, 0.2])
        _, low, high = paired_difference(*cases(*cells), draws=400, seed=draw)
        alarms += low > 0 or high < 0
    assert 0.03 <= alarms / 1000 <= 0.07
