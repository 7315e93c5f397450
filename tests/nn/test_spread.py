from __future__ import annotations

import math

import pytest
import torch

from presight.nn.spread import effective_rank, spread


@pytest.mark.parametrize("size", [(64, 16), (16, 64), (300, 8)])
def test_effective_rank_of_orthogonal_directions_is_their_number(size: tuple[int, int]) -> None:
    n, d = size
    k = 4
    rows = torch.zeros(n, d)
    for i in range(n // 2 // k * k):
        rows[2 * i, i % k], rows[2 * i + 1, i % k] = 1.0, -1.0
    assert effective_rank(rows) == pytest.approx(k, rel=0.02)


def test_effective_rank_of_two_unequal_directions_is_the_entropys() -> None:
    rows = torch.tensor([[3.0, 0, 0], [-3, 0, 0], [0, 1, 0], [0, -1, 0]])
    entropy = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert effective_rank(rows) == pytest.approx(math.exp(entropy), rel=1e-4)


def test_effective_rank_does_not_see_scale_or_offset() -> None:
    rows = torch.randn(40, 10, generator=torch.Generator().manual_seed(0))
    assert effective_rank(7 * rows + 3) == pytest.approx(effective_rank(rows), rel=1e-3)
    assert 8 < effective_rank(rows) <= 10


def test_equal_embeddings_have_rank_zero_and_spread_zero() -> None:
    rows = torch.ones(32, 8)
    assert effective_rank(rows) == 0
    assert spread(rows) == pytest.approx(0, abs=1e-6)
    rows[::2] *= 1 + torch.finfo(torch.float32).eps  # rounding is no spread
    assert spread(rows, centered=True) == 0


def test_what_rows_share_does_not_lower_the_centered_spread() -> None:
    """Positive parts of a Gaussian, as after a ReLU: 0.825 as they are, 1 around their mean."""
    rows = torch.randn(4000, 64, generator=torch.Generator().manual_seed(0)).relu()
    assert spread(rows) == pytest.approx(0.825, abs=0.005)
    assert spread(rows, centered=True) == pytest.approx(1, abs=0.01)
    assert spread(rows + 100) < 0.01
    assert spread(rows + 100, centered=True) == pytest.approx(spread(rows, centered=True), abs=1e-5)


def test_the_centered_spread_of_a_cross_by_hand() -> None:
    """Around (5, 5) rows point along the axes, 3 to 1: entries 1, -1, 0, 0 deviate by sqrt(1/2)."""
    rows = torch.tensor([[8.0, 5], [2, 5], [5, 6], [5, 4]])
    assert spread(rows, centered=True) == pytest.approx(1)


def test_spread_over_the_sphere_is_about_one() -> None:
    rows = torch.randn(2000, 64, generator=torch.Generator().manual_seed(0))
    assert spread(rows) == pytest.approx(1, abs=0.02)
    assert spread(5 * rows) == pytest.approx(spread(rows), rel=1e-5)
