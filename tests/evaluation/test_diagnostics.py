from __future__ import annotations

import math

import pytest
import torch

from presight.errors import UsageError
from presight.evaluation.diagnostics import (
    alignment,
    describe,
    effective_rank,
    rankme,
    spread,
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
    assert set(told) == {"effective_rank", "rankme", "feature_std", "uniformity", "rank_images"}
    assert describe(gaussian(1, 8)) == {}


def test_refuses() -> None:
    with pytest.raises(UsageError):
        effective_rank(torch.zeros(3, 4, 5))
    with pytest.raises(UsageError):
        alignment(torch.zeros(3, 4), torch.zeros(2, 4))
