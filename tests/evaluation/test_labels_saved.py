from __future__ import annotations

import math

import numpy as np
import pytest

from presight.errors import UsageError
from presight.evaluation.labels_saved import labels_needed, utilities, utility
from presight.evaluation.replicates import middle

LABELS = [100, 1000, 10_000]
SCRATCH = [40.0, 60.0, 80.0]


@pytest.mark.parametrize(("space", "first"), [("log", 2.16228), ("linear", 4.5)])
def test_the_worked_example(space: str, first: float) -> None:
    """Catalogue T1: 50 % at 100 labels and 80 % at 1,000."""
    found = utility(SCRATCH, [50.0, 80.0, 80.0], labels=LABELS, space=space)  # type: ignore[arg-type]
    assert found[0].value == pytest.approx(first, abs=1e-5)
    assert found[1].value == pytest.approx(9.0)
    assert [one.status for one in found] == ["ok", "ok", "ok"]
    assert found[1].equivalent[0] == pytest.approx(10_000)


def test_what_cannot_be_measured_is_bounded_and_said() -> None:
    """Catalogue T1: 35 % lies below scratch's least, 81 % above its best."""
    below, above, _ = utility(SCRATCH, [35.0, 81.0, 80.0], labels=LABELS)
    assert (below.value, below.status) == (0.0, "left_censored")
    assert (above.value, above.status) == (9.0, "right_censored")


def test_a_curve_against_itself_saves_nothing() -> None:
    """Catalogue T2, by seed and image too."""
    found = utility(SCRATCH, SCRATCH, labels=LABELS)
    assert [(one.value, one.status) for one in found] == [(0.0, "ok")] * 3
    generator = np.random.default_rng(0)
    chances = np.array([0.3, 0.6, 0.9])[None, :, None]
    results = (generator.random((3, 3, 500)) < chances).astype(np.int8)
    again = utility(results, results, labels=LABELS)
    assert [(one.value, one.status) for one in again] == [(0.0, "ok")] * 3
    assert all(one.low <= 0.0 <= one.high for one in again)


def test_a_dip_is_pooled_and_read_at_its_left_end() -> None:
    """Catalogue T3: 40, 60, 58, 80 pool to 40, 59, 59, 80; 59 is reached with 1,000 labels."""
    labels = [100, 1000, 3000, 10_000]
    found = utility([40, 60, 58, 80], [59, 59, 59, 80], labels=labels)
    assert [one.value for one in found] == pytest.approx([9.0, 0.0, 1000 / 3000 - 1, 0.0])


def test_any_unit_of_labels_and_any_rising_scale_of_scores() -> None:
    """k times the labels change nothing; exp of the scores changes nothing at the grid's points."""
    scores = [60.0, 80.0, 80.0]
    plain = utility(SCRATCH, scores, labels=LABELS)
    more = utility(SCRATCH, scores, labels=[7 * n for n in LABELS])
    bent = utility(np.exp(np.array(SCRATCH) / 20), np.exp(np.array(scores) / 20), labels=LABELS)
    for other in (more, bent):
        assert [one.value for one in other] == pytest.approx([one.value for one in plain])


def test_without_spread_there_is_no_interval() -> None:
    assert all(math.isnan(one.low) for one in utility(SCRATCH, SCRATCH, labels=LABELS))


def test_the_noise_of_scratch_widens_the_interval() -> None:
    """Scratch's seeds are in it too: a defect of the first published code was to leave them out."""
    steady = np.array([SCRATCH] * 3)
    shaken = steady + np.array([[-8.0], [0.0], [8.0]])
    better = np.array([[50.0, 70.0, 80.0]] * 3) + np.array([[-0.1], [0.0], [0.1]])
    narrow = utility(steady, better, labels=LABELS)[1]
    wide = utility(shaken, better, labels=LABELS)[1]
    assert wide.high - wide.low > 5 * (narrow.high - narrow.low)


def test_a_seed_above_all_of_scratch_is_no_harm() -> None:
    """A sentinel for it read as -1 in the first published code."""
    scratch = np.array([SCRATCH] * 3) + np.array([[-0.1], [0.0], [0.1]])
    found = utility(scratch, [[50, 79, 80], [50, 82, 80], [50, 78, 80]], labels=LABELS)[1]
    assert found.high == math.inf
    assert found.value > 5
    assert found.low > 0


def test_on_a_plateau_a_small_gap_is_no_number_of_labels() -> None:
    generator = np.random.default_rng(0)
    scratch = np.array([40.0, 79.9, 80.0]) + generator.normal(0, 1.0, (5, 3))
    better = np.array([60.0, 79.97, 80.0]) + generator.normal(0, 1.0, (5, 3))
    found = utility(scratch, better, labels=LABELS)
    assert found[0].status == "ok"
    assert found[1].status in ("flat", "right_censored")


@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_coverage(seeds: int) -> None:
    """The nominal 95 % interval covers the true utility in 92 to 98 % of 300 draws.

    Seeds shift a whole curve and each of its points; the same labels shift both curves.
    """
    labels = np.array([50.0, 200.0, 1000.0, 4000.0])
    curves = np.array([[0.30, 0.45, 0.60, 0.70], [0.45, 0.55, 0.65, 0.69]])
    truth = labels_needed(np.repeat(curves[:1], 4, 0), curves[1], labels, "log") / labels - 1
    generator = np.random.default_rng(seeds)
    inside = np.zeros(4)
    for seed in range(300):
        shared = 0.01 * generator.standard_normal((seeds, 1, 4))
        own = 0.01 * generator.standard_normal((seeds, 2, 4))
        found = curves + shared + own
        drawn_ = utility(
            found[:, 0], found[:, 1], labels=[50, 200, 1000, 4000], draws=300, seed=seed
        )
        inside += [one.low <= true <= one.high for one, true in zip(drawn_, truth, strict=True)]
    assert (inside / 300 >= 0.92).all()
    assert (inside / 300 <= 0.98).all()


def test_planted_utility_is_found() -> None:
    """Pretraining that is worth as many labels again: b(n) = a(2 n), a linear in log n."""
    labels = [50, 100, 200, 400, 800]
    curve = np.log(np.array(labels))
    found = utility(curve, curve + math.log(2), labels=labels)
    assert [one.value for one in found[:-1]] == pytest.approx([1.0] * 4)
    assert found[-1].status == "right_censored"


def test_of_draws_beyond_measure_the_interval_is_open() -> None:
    drawn = np.tile([40.0, 60.0, 80.0, 50.0, 90.0, 90.0], (100, 1))
    found = utilities(drawn[0], drawn, labels=LABELS)
    assert (found[1].low, found[1].high) == (math.inf, math.inf)
    assert middle(drawn[:, 0]) == (40.0, 40.0)


@pytest.mark.parametrize(
    ("scratch", "pretrained", "labels"),
    [
        ([1.0, 2.0], [1.0, 2.0, 3.0], [10, 20]),
        ([1.0, 2.0], [1.0, 2.0], [10, 20, 30]),
        ([1.0, 2.0], [1.0, 2.0], [20, 10]),
        ([1.0], [1.0], [10]),
        ([1.0, math.nan], [1.0, 2.0], [10, 20]),
    ],
)
def test_refuses(scratch: list[float], pretrained: list[float], labels: list[int]) -> None:
    with pytest.raises(UsageError):
        utility(scratch, pretrained, labels=labels)
