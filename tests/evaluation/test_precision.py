"""Average precision against the worked example, scikit-learn, brute force and differences."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from presight.errors import DataError, UsageError
from presight.evaluation.precision import (
    Kind,
    average_precision,
    mean_precision_influence,
    precision_influence,
)

KINDS: tuple[Kind, ...] = get_args(Kind)
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def ranking(seed: int, n: int = 40, ties: int = 0) -> tuple[Floats, Bools]:
    random = np.random.default_rng(seed)
    positives = random.random(n) < 0.3
    positives[0] = True
    scores = random.standard_normal(n) + positives
    return (np.round(scores * ties) / ties if ties else scores), positives


def plainly(scores: Floats, positives: Bools, kind: Kind, weights: Floats | None = None) -> float:
    """Average precision by its definition, image by image, each counted by a weight."""
    count = np.ones(len(scores)) if weights is None else weights
    points = []
    for score in sorted(set(scores), reverse=True):
        down = scores >= score
        right = (count * positives)[down].sum()
        points.append((right / (count * positives).sum(), right / count[down].sum()))
    if kind in ("11-point", "101-point"):
        recalls = np.linspace(0, 1, 11 if kind == "11-point" else 101)
        return float(np.mean([max(p for r, p in points if r >= t - 1e-9) for t in recalls]))
    total, before = 0.0, 0.0
    for place, (recall, precision) in enumerate(points):
        best = max(p for _, p in points[place:]) if kind == "envelope" else precision
        total += (recall - before) * best
        before = recall
    return total


def test_right_wrong_right_with_two_to_be_found() -> None:
    """Catalogue T8."""
    found = [average_precision([3, 2, 1], [True, False, True], kind) for kind in KINDS]
    by_kind = dict(zip(KINDS, found, strict=True))
    assert by_kind["11-point"] == pytest.approx(0.84848, abs=1e-5)
    assert by_kind["101-point"] == pytest.approx(0.83498, abs=1e-5)
    assert by_kind["step"] == by_kind["envelope"] == pytest.approx(5 / 6)


@pytest.mark.parametrize("ties", [0, 2])
@pytest.mark.parametrize("seed", range(5))
def test_the_step_curve_is_scikit_learns(seed: int, ties: int) -> None:
    scores, positives = ranking(seed, ties=ties)
    assert average_precision(scores, positives) == pytest.approx(
        average_precision_score(positives, scores), abs=1e-12
    )


@pytest.mark.parametrize("ties", [0, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_its_definition(kind: Kind, ties: int) -> None:
    for seed in range(8):
        scores, positives = ranking(seed, ties=ties)
        expected = plainly(scores, positives, kind)
        assert average_precision(scores, positives, kind) == pytest.approx(expected, abs=1e-12)


def test_recalls_in_tenths_reach_their_points() -> None:
    """Ten positives, one below wrong answers: recall 0.3 reaches the point 0.3."""
    for wrong in range(1, 10):
        positives = np.array([True] * wrong + [False] + [True] * (10 - wrong))
        expected = ((wrong + 1) * 1.0 + (10 - wrong) * 10 / 11) / 11
        assert average_precision(-np.arange(11.0), positives, "11-point") == pytest.approx(expected)


@pytest.mark.parametrize("ties", [0, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_influences_have_the_score_as_their_mean(kind: Kind, ties: int) -> None:
    scores, positives = ranking(3, ties=ties)
    parts = precision_influence(scores, positives, kind)
    assert parts.mean() == pytest.approx(average_precision(scores, positives, kind), abs=1e-12)


@pytest.mark.parametrize("ties", [0, 2])
@pytest.mark.parametrize("kind", ["step", "envelope"])
def test_influences_are_differences_by_weight(kind: Kind, ties: int) -> None:
    scores, positives = ranking(4, n=25, ties=ties)
    parts, n = precision_influence(scores, positives, kind), len(scores)
    small = 1e-6
    for image in range(n):
        weights = np.ones(n)
        weights[image] += small
        above = plainly(scores, positives, kind, weights)
        weights[image] -= 2 * small
        below = plainly(scores, positives, kind, weights)
        value = average_precision(scores, positives, kind)
        expected = value + n * (above - below) / (2 * small)
        assert parts[image] == pytest.approx(expected, abs=1e-5)


def test_their_spread_is_that_of_new_test_sets() -> None:
    """Standard error from one set of 400 against the spread of 300 new sets."""
    parts = precision_influence(*ranking(0, n=400))
    drawn = [average_precision(*ranking(seed, n=400)) for seed in range(1, 301)]
    assert parts.std() / 20 == pytest.approx(np.std(drawn), rel=0.25)


def test_equal_scores_are_at_chance_in_any_order() -> None:
    positives = np.arange(20) % 4 == 0
    for kind in KINDS:
        assert average_precision(np.zeros(20), positives, kind) == pytest.approx(0.25)
        assert precision_influence(np.zeros(20), positives, kind).mean() == pytest.approx(0.25)


def test_a_class_that_no_image_shows_is_left_out() -> None:
    scores = np.random.default_rng(0).standard_normal((12, 3))
    present = np.zeros((12, 3), bool)
    present[::2, 0] = present[::3, 2] = True
    expected = np.mean([average_precision_score(present[:, c], scores[:, c]) for c in (0, 2)])
    assert mean_precision_influence(scores, present).mean() == pytest.approx(expected)
    with pytest.raises(DataError, match="nothing to find"):
        mean_precision_influence(scores, present & False)


def test_refuses() -> None:
    with pytest.raises(UsageError, match="nothing is to be found"):
        average_precision([1.0], [False])
    with pytest.raises(UsageError, match="finite"):
        average_precision([np.nan, 1.0], [True, False])
    with pytest.raises(UsageError, match="both"):
        average_precision([1.0], [True, False])
    with pytest.raises(UsageError, match="12-point"):
        average_precision([1.0], [True], "12-point")  # type: ignore[arg-type]
