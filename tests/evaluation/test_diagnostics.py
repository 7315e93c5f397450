from __future__ import annotations

import math

import pytest
import torch

from presight.errors import UsageError
from presight.evaluation import diagnostics
from presight.evaluation.diagnostics import (
    alignment,
    alpha,
    dead_units,
    describe,
    effective_rank,
    lidar,
    norms,
    power_law,
    rankme,
    spread,
    uniform_sphere,
    uniformity,
)


def gaussian(n: int, d: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


def test_rank_of_known_singular_values() -> None:
    """(4, 2, 1, 1) / 8: entropy 1.2130 nats; squares instead would give 2.276."""
    left = torch.linalg.qr(gaussian(10, 4)).Q
    assert rankme(left * torch.tensor([4.0, 2.0, 1.0, 1.0])) == pytest.approx(3.3636, abs=1e-4)
    assert rankme(torch.linalg.qr(gaussian(200, 64)).Q) == pytest.approx(64.001, abs=1e-3)


def test_rank_of_a_product_is_bounded() -> None:
    assert rankme(gaussian(500, 10) @ gaussian(10, 256, 1)) <= 10.02


def test_an_offset_lowers_the_one_and_not_the_other() -> None:
    features = gaussian(4096, 256)
    assert rankme(features) == pytest.approx(254, abs=0.7)
    assert rankme(features + 5.0) == pytest.approx(116, abs=3)
    assert effective_rank(features + 5.0) == pytest.approx(effective_rank(features), rel=1e-4)


def test_equal_rows_have_no_rank_and_no_spread() -> None:
    rows = gaussian(1, 32).repeat(50, 1)
    assert effective_rank(rows) == 0
    assert spread(rows) == pytest.approx(0.0, abs=1e-6)
    assert uniformity(rows) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("d", [32, 128])
def test_spread_of_uniform_directions_is_one(d: int) -> None:
    assert spread(gaussian(10_000, d)) == pytest.approx(1.0, abs=2e-3)
    assert spread(100 * gaussian(10_000, d)) == pytest.approx(1.0, abs=2e-3)


def test_uniformity_of_the_sphere() -> None:
    """-4 + log(sinh 4 / 4) in three dimensions; with self-pairs it would be -1.99."""
    expected = -4 + math.log(math.sinh(4) / 4)
    values = [uniformity(gaussian(256, 3, seed)) for seed in range(40)]
    assert sum(values) / 40 == pytest.approx(expected, abs=0.01)


def test_uniformity_of_two_opposite_points() -> None:
    assert uniformity(torch.tensor([[1.0, 0.0], [-2.0, 0.0]])) == pytest.approx(-8.0)


def test_alignment_of_right_angles() -> None:
    first = torch.tensor([[2.0, 0.0], [0.0, 3.0]])
    second = torch.tensor([[0.0, 1.0], [0.0, 1.0]])
    assert alignment(first, second) == pytest.approx(1.0)
    assert alignment(first, first) == pytest.approx(0.0)


def test_describe_names_how_many_images() -> None:
    told = describe(gaussian(40, 8))
    assert told["rank_images"] == 40
    assert set(told) == {
        "effective_rank", "rankme", "feature_std", "feature_std_centered", "norm_low",
        "norm_median", "norm_high", "dead_units", "uniformity", "rank_images",
    }  # fmt: skip
    assert told["feature_std_centered"] == spread(gaussian(40, 8), centered=True)
    assert told["norm_low"] < told["norm_median"] < told["norm_high"]
    assert describe(gaussian(1, 8)) == {}


def test_norms_are_percentiles_of_lengths() -> None:
    """Lengths 0, 5, ..., 500 of multiples of (3, 4)."""
    rows = torch.arange(101.0)[:, None] * torch.tensor([3.0, 4.0])
    assert norms(rows.flip(0)) == pytest.approx((25.0, 250.0, 475.0))


def test_norms_of_a_gaussian_are_about_the_root_of_its_width() -> None:
    assert norms(gaussian(2000, 400))[1] == pytest.approx(20, abs=0.1)


def test_units_that_say_the_same_of_every_image_are_dead() -> None:
    rows = gaussian(50, 8).relu()
    assert dead_units(rows) == 0
    rows[:, 2], rows[:, 5] = 0.0, -7.0
    rows[::2, 5] *= 1 + 1e-7
    rows[:, 6] *= 1e-9  # small, and alive
    assert dead_units(rows) == pytest.approx(2 / 8)
    assert dead_units(torch.ones(5, 3)) == 1


def test_rows_of_zeros_are_one_place_for_the_uniformity() -> None:
    """Two zeros at distance 0, each at distance 1 from the unit row: exponents 0, -2, -2."""
    rows = torch.tensor([[0.0, 0.0], [0.0, 0.0], [3.0, 4.0]])
    assert uniformity(rows) == pytest.approx(math.log((1 + 2 * math.exp(-2)) / 3))
    assert uniformity(torch.zeros(4, 2)) == pytest.approx(0)


def test_pairs_in_blocks_are_the_same_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = gaussian(100, 6)
    whole = uniformity(rows)
    monkeypatch.setattr(diagnostics, "_PAIRS", 7)
    assert uniformity(rows) == pytest.approx(whole)


def test_refuses() -> None:
    with pytest.raises(UsageError):
        effective_rank(torch.zeros(3, 4, 5))
    with pytest.raises(UsageError):
        alignment(torch.zeros(3, 4), torch.zeros(2, 4))


@pytest.mark.parametrize(
    ("d", "value"), [(2, -1.57503), (3, -2.07978), (16, -3.51304), (128, -3.93753), (4096, -3.998)]
)
def test_the_even_sphere_in_closed_form(d: int, value: float) -> None:
    assert uniform_sphere(d) == pytest.approx(value, abs=1e-4)


def test_alpha_of_a_power_law_is_its_exponent() -> None:
    i = torch.arange(1, 301).double()
    for exponent in (0.5, 1.0, 2.0):
        found = power_law(i**-exponent, 11, 200)
        assert found is not None
        assert found.alpha == pytest.approx(exponent, abs=1e-9)
        assert found.fit == pytest.approx(1.0)
    assert power_law(torch.zeros(50), 11, 50) is None


def test_alpha_reads_the_covariance_and_not_its_root() -> None:
    """Features with eigenvalues 1 / i: a fit of singular values would say one half."""
    generator = torch.Generator().manual_seed(0)
    scale = torch.arange(1, 257).double().rsqrt()
    found = alpha(torch.randn(20_000, 256, generator=generator).double() * scale + 5.0)
    assert found is not None
    assert found.alpha == pytest.approx(1.0, abs=0.02)
    assert (found.first, found.last) == (11, 200)


def test_a_spectrum_with_a_cliff_is_no_power_law() -> None:
    values = torch.cat([torch.ones(100), torch.full((100,), 1e-6)])
    found = power_law(values, 11, 200)
    assert found is not None
    assert found.fit < 0.95


def grouped(rank: int, noise: float, n: int = 1000, q: int = 10, d: int = 64) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    signal = torch.zeros(n, 1, d)
    signal[:, 0, :rank] = torch.randn(n, rank, generator=generator)
    return signal + noise * torch.randn(n, q, d, generator=generator)


def test_lidar_counts_the_directions_that_tell_images_apart() -> None:
    assert lidar(grouped(4, 0.01)).value == pytest.approx(4.0, abs=0.05)
    assert lidar(grouped(16, 0.01)).value == pytest.approx(16.0, abs=0.3)


def test_lidar_of_noise_is_high_and_its_companion_says_so() -> None:
    found = lidar(grouped(0, 1.0))
    assert found.value > 55
    assert found.signal == pytest.approx(0.1, abs=0.01)
    assert found.is_noise
    assert not lidar(grouped(4, 0.01)).is_noise


def test_lidar_of_mixed_up_groups_is_unmasked_by_its_companion() -> None:
    views = grouped(4, 0.1)
    shuffle = torch.randperm(10_000, generator=torch.Generator().manual_seed(1))
    mixed = views.reshape(10_000, 64)[shuffle].view(1000, 10, 64)
    assert lidar(views).value < 5 < 55 < lidar(mixed).value
    assert lidar(mixed).is_noise


def test_lidar_does_not_depend_on_scale_or_offset_and_takes_few_images() -> None:
    views = grouped(4, 0.1, n=40)
    assert lidar(10 * views + 3, delta=1e-2).value == pytest.approx(lidar(views).value, rel=1e-6)
    with pytest.raises(UsageError, match="2 or more"):
        lidar(torch.zeros(5, 1, 3))
