from __future__ import annotations

import pytest

from presight.reporting.measured import blind_guess, gap, places
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
