from __future__ import annotations

import math

import pytest
import torch

from presight.training.monitor import PATIENCE, Monitor, effective_rank, spread

HEALTHY = {
    "loss": 3.0,
    "collapsed": 5.5,
    "rank": 40.0,
    "dim": 128.0,
    "spread": 0.9,
    "data_wait": 0.05,
    "gradient_norm": 0.8,
}


def told(record: dict[str, float], *, times: int = PATIENCE, failures: str = "") -> list[str]:
    monitor = Monitor(failures)
    return [text for _ in range(times) for _, text in monitor.advise(dict(record), True)]


def test_healthy_records_are_met_with_silence() -> None:
    assert told(HEALTHY, times=5 * PATIENCE) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rank": 1.1}, "effective rank 1.1 of 128: the embeddings have collapsed"),
        ({"rank": 2.0}, "effective rank 2.0 of 128"),
        ({"loss": 5.52}, "loss 5.520 stays at its collapsed value 5.500"),
        ({"data_wait": 0.5}, "50% of the time is spent waiting for images"),
        ({"gradient_norm": 1e-9}, "gradient norm 1.0e-09: nothing moves"),
    ],
)
def test_planted_trouble_is_said_once_with_something_to_try(
    change: dict[str, float], words: str
) -> None:
    advice = told(HEALTHY | change, times=3 * PATIENCE)
    assert len(advice) == 1
    assert words in advice[0]
    assert "ry " in advice[0]


def test_what_a_collapse_usually_means_comes_from_the_card() -> None:
    assert (
        "The temperature is too high."
        in told(HEALTHY | {"rank": 1.0}, failures="The temperature is too high.")[0]
    )


def test_advice_needs_patience() -> None:
    assert told(HEALTHY | {"rank": 1.0}, times=PATIENCE - 1) == []
    monitor = Monitor()
    records = [HEALTHY | {"rank": 1.0}] * (PATIENCE - 1) + [HEALTHY] + [HEALTHY | {"rank": 1.0}]
    assert [text for r in records for _, text in monitor.advise(r, True)] == []


def test_a_start_may_look_like_anything() -> None:
    monitor = Monitor()
    assert not [t for _ in range(100) for t in monitor.advise(HEALTHY | {"rank": 1.0}, False)]


def test_records_without_an_embedding_are_healthy() -> None:
    assert told({"loss": 1.0, "gradient_norm": 1.0, "data_wait": 0.0}) == []


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


def test_spread_over_the_sphere_is_about_one() -> None:
    rows = torch.randn(2000, 64, generator=torch.Generator().manual_seed(0))
    assert spread(rows) == pytest.approx(1, abs=0.02)
    assert spread(5 * rows) == pytest.approx(spread(rows), rel=1e-5)
