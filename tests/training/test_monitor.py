from __future__ import annotations

import pytest

from presight.training.monitor import PATIENCE, Monitor

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


def test_embeddings_that_are_one_direction_and_noise_are_a_collapse() -> None:
    assert any("spread 0.010" in text for text in told(HEALTHY | {"spread": 0.01}))
