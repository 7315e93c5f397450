from __future__ import annotations

import numpy as np
import pytest

from presight.studies.claims import kinds
from presight.studies.claims.worlds import Curve, late_slopes, on_worlds

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


EARLY, LATE = [0.0, 1.0, 1.0], [0.0, 0.0, 1.0]


def curve(scratch: list[list[float]], gains: list[float]) -> Curve:
    return Curve((50, 100, 200), np.array(scratch), np.array(gains))


def test_slopes_of_known_curves() -> None:
    """Saturated at 50 x 2^0.95 and 100 x 2^0.95: a doubling apart, and gains a half apart."""
    slopes = late_slopes([curve([EARLY] * 2, [1.0, 1.0]), curve([LATE] * 2, [1.5, 1.5])])
    assert slopes is not None
    assert slopes == pytest.approx([0.5, 0.5])
    assert late_slopes([curve([EARLY] * 2, [0.0, 1.0])] * 2) is None


def test_gains_of_the_same_size_have_no_slope() -> None:
    slopes = late_slopes([curve([one] * 2, [0.7, 0.7]) for one in (EARLY, EARLY, LATE)])
    assert slopes == pytest.approx([0.0, 0.0])


def test_a_repetition_that_saturates_late_by_luck_tells_nothing_of_its_own_gain() -> None:
    """The gain of the first repetition is set against the second's saturation, which is equal."""
    lucky = curve([LATE, EARLY], [1.0, 0.0])
    slopes = late_slopes([lucky, curve([EARLY] * 2, [0.0, 0.0])])
    assert slopes == pytest.approx([0.0, 0.0])


def test_one_world_tells_nothing() -> None:
    found = verdicts.of(on_worlds, study(lambda at: at.scratch))
    assert {one.verdict for one in found.values()} == {"not measured"}
