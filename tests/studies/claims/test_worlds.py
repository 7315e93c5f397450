from __future__ import annotations

import pytest

from presight.studies.claims import kinds
from presight.studies.claims.worlds import on_worlds

from . import verdicts
from .planting import At, study

WORLDS = ("TCVL=0000", "TCVL=1000", "TCVL=0011", "TCVL=1111")


@pytest.mark.parametrize(("sign", "verdict"), [(1, "agrees"), (-1, "disagrees")])
def test_diverse_data_gain_more(sign: int, verdict: str) -> None:
    """Two points a factor in eight a doubling: a quarter of a doubling a factor."""

    def score(at: At) -> float:
        return at.scratch + sign * 0.02 * at.pretrained * (kinds.factors(at.world) or 0)

    claim = verdicts.of(on_worlds, study(score, worlds=WORLDS, modes=("finetune",)))["diverse data"]
    assert claim.verdict == verdict
    assert claim.effect is not None
    assert claim.effect.value == pytest.approx(sign * 0.25, abs=0.1)
    assert "0 to 4 factors" in claim.measured


def bent(at: At) -> float:
    """From scratch 30 to 62 %, early with few factors and late with many."""
    power = {"TCVL=0000": 0.4, "TCVL=1000": 0.7, "TCVL=0011": 1.0, "TCVL=1111": 1.6}[at.world]
    return 0.30 + 0.32 * (at.doublings / 4) ** power


def test_data_that_saturate_late_gain_more() -> None:
    def score(at: At) -> float:
        return bent(at) + 0.03 * at.pretrained * WORLDS.index(at.world)

    claim = verdicts.of(on_worlds, study(score, worlds=WORLDS, modes=("finetune",), images=1000))
    assert claim["data that saturate late"].verdict == "agrees"


def test_luck_of_scratch_is_no_gain_of_late_data() -> None:
    """With no effect at all a bad repetition of scratch saturates late and is gained upon."""
    found = [
        verdicts.of(
            on_worlds,
            study(lambda at: at.scratch, worlds=WORLDS, modes=("finetune",), draw=draw, apart=0.03,
                  images=100),
        )["data that saturate late"].verdict
        for draw in range(12)
    ]  # fmt: skip
    assert found.count("agrees") <= 2


def test_one_world_tells_nothing() -> None:
    found = verdicts.of(on_worlds, study(lambda at: at.scratch))
    assert {one.verdict for one in found.values()} == {"not measured"}
