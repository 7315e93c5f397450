from __future__ import annotations

import numpy as np
import pytest

from presight.errors import UsageError
from presight.evaluation.replicates import replicates
from presight.evaluation.scenario import Scenario, scenario

LABELS = [50, 200, 1000, 4000]


def of(scratch: list[float], pretrained: list[float]) -> Scenario:
    """Three seeds whose curves differ by a point of a hundred or so."""
    generator = np.random.default_rng(0)
    results = np.array([*scratch, *pretrained]) + 0.002 * generator.standard_normal((3, 8))
    drawn = replicates(results[:, :, None])
    return scenario(results.mean(0), drawn, labels=LABELS)


def test_a_higher_ceiling() -> None:
    found = of([0.3, 0.5, 0.6, 0.6], [0.5, 0.7, 0.8, 0.8])
    assert (found.kind, found.meeting) == ("higher ceiling", None)


def test_the_same_ceiling_with_fewer_labels() -> None:
    found = of([0.3, 0.5, 0.8, 0.8], [0.5, 0.7, 0.8, 0.8])
    assert (found.kind, found.meeting) == ("fewer labels", 1000)


def test_a_meeting_before_the_plateau() -> None:
    found = of([0.3, 0.5, 0.6, 0.8], [0.5, 0.7, 0.6, 0.8])
    assert (found.kind, found.meeting) == ("meets early", 1000)


def test_a_meeting_at_the_last_point_asks_the_one_before_it() -> None:
    rising = of([0.3, 0.5, 0.6, 0.8], [0.5, 0.7, 0.7, 0.8])
    level = of([0.3, 0.5, 0.8, 0.8], [0.5, 0.7, 0.85, 0.8])
    assert (rising.kind, rising.meeting) == ("meets early", 4000)
    assert (level.kind, level.meeting) == ("fewer labels", 4000)


def test_no_gain_and_negative_transfer() -> None:
    found = of([0.3, 0.5, 0.6, 0.8], [0.3, 0.4, 0.6, 0.8])
    assert (found.kind, found.meeting, found.harmful) == ("no gain", 50, (200,))


def test_gaps_carry_their_intervals() -> None:
    found = of([0.3, 0.5, 0.6, 0.6], [0.5, 0.7, 0.8, 0.8])
    assert found.gaps[0].value == pytest.approx(0.2, abs=0.01)
    assert found.gaps[0].low < found.gaps[0].value < found.gaps[0].high


def test_refuses_curves_of_another_length() -> None:
    with pytest.raises(UsageError):
        scenario(np.zeros(6), np.zeros((10, 6)), labels=LABELS)
