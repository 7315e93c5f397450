from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from presight.studies.claims.speed import on_speed

from . import verdicts
from .planting import At, study, trace

NAME = "pretraining converges faster"


def luck(at: At, seed: int) -> float:
    return float(np.random.default_rng([seed, at.n_labels, at.pretrained]).normal(0, 0.005))


@pytest.mark.parametrize(("steps", "verdict"), [(75, "agrees"), (1200, "disagrees")])
def test_updates_to_what_scratch_reaches(steps: float, verdict: str) -> None:
    """Scratch takes 300 updates, pretraining a quarter of them or four times as many."""

    def details(at: At, seed: int) -> Mapping[str, Any]:
        return trace(steps if at.pretrained else 300, 0.7, luck(at, seed))

    rows = study(lambda at: at.scratch, modes=("finetune",), details=details)
    claim = verdicts.of(on_speed, rows)[NAME]
    assert claim.verdict == verdict
    assert claim.effect is not None
    assert claim.effect.value == pytest.approx(math.log2(300 / steps), abs=0.6)


def test_one_that_never_gets_there_counts_as_the_end() -> None:
    def details(at: At, seed: int) -> Mapping[str, Any]:
        return trace(300, 0.5 if at.pretrained else 0.7, luck(at, seed))

    claim = verdicts.of(
        on_speed, study(lambda at: at.scratch, modes=("finetune",), details=details)
    )
    assert claim[NAME].verdict == "disagrees"
    assert "never reached it" in claim[NAME].measured


def test_without_traces_it_is_not_measured() -> None:
    assert verdicts.of(on_speed, study(lambda at: at.scratch))[NAME].verdict == "not measured"


def test_luck_of_scratch_at_its_end_does_not_set_its_own_mark() -> None:
    """With no effect at all: of twenty studies one half decides either way, rarely three."""

    def details(draw: int) -> Callable[[At, int], Mapping[str, Any]]:
        chance = np.random.default_rng(draw)
        return lambda at, seed: trace(300, 0.7, 0.02 * chance.standard_normal())

    found = [
        verdicts.of(
            on_speed,
            study(lambda at: at.scratch, modes=("finetune",), details=details(draw), images=20,
                  seeds=3, tasks=("classification", "pose", "depth", "detection")),
        )[NAME].verdict
        for draw in range(20)
    ]  # fmt: skip
    assert found.count("disagrees") <= 3
    assert found.count("agrees") <= 3
