from __future__ import annotations

import dataclasses

import pytest

from presight.evaluation.curve import blind_guess, gap, places
from reporting.doubles import curve_scores, score


def test_points_are_by_number_of_labels() -> None:
    found = places(curve_scores(), "pretrained", "linear")
    assert [point.n_labels for point in found] == [50, 200, 1000]
    assert found[0].mean == pytest.approx(0.51)
    assert found[0].values == [0.5, 0.51, 0.52]
    assert found[0].low < 0.5 < 0.52 < found[0].high
    assert places(curve_scores(), "nobody", "linear") == []


def test_the_gap_is_paired_and_signed() -> None:
    found = gap(curve_scores(), "linear", 200, "pretrained", "untrained")
    assert found is not None
    assert found.value == pytest.approx(0.2)
    assert 0 < found.low < 0.2 < found.high
    assert gap([score("pretrained", "linear", 0.5)], "linear", 1000, "pretrained", "x") is None


def test_the_blind_guess() -> None:
    assert blind_guess(curve_scores()) == pytest.approx(0.1)
    assert blind_guess([]) is None


def test_only_seeds_and_images_that_both_rows_have_are_paired() -> None:
    scores = curve_scores()
    few = [s for s in scores if not (s.row == "untrained" and s.seed == 2)]
    found = gap(few, "linear", 200, "pretrained", "untrained")
    assert found is not None
    assert found.value == pytest.approx(0.2)
    other = [dataclasses.replace(s, n_test=300) if s.row == "untrained" else s for s in scores]
    assert gap(other, "linear", 200, "pretrained", "untrained") is None


def test_a_stage_is_no_point_of_the_curve() -> None:
    scores = [score("pretrained", "linear", 0.5)]
    stage = dataclasses.replace(score("pretrained", "linear", 0.9), stage="f1")
    assert places([*scores, stage], "pretrained", "linear")[0].values == [0.5]


def test_without_results_by_image_the_widest_interval_stands() -> None:
    bare = [dataclasses.replace(s, details={}) for s in curve_scores()]
    (point, *_) = places(bare, "pretrained", "linear")
    three = [s for s in bare if (s.row, s.protocol, s.n_train) == ("pretrained", "linear", 50)]
    assert point.low == min(s.low for s in three)
    assert point.high == max(s.high for s in three)
    assert gap(bare, "linear", 200, "pretrained", "untrained") is None
