from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import pytest

from presight.evaluation.intervals import Interval
from presight.studies.claims.claim import (
    ALONE,
    Said,
    compared,
    more,
    settled,
    table,
    unmeasured,
    write_claims,
)

SAID = Said("name", "What is claimed.", "somewhere")


@pytest.mark.parametrize(
    ("low", "high", "toward", "verdict"),
    [
        (0.1, 0.3, 1, "agrees"),
        (-0.3, -0.1, 1, "disagrees"),
        (0.1, 0.3, -1, "disagrees"),
        (-0.3, -0.1, 0, "agrees"),
        (-0.1, 0.3, 1, "inconclusive"),
        (0.0, 0.3, 1, "inconclusive"),
    ],
)
def test_only_an_interval_clear_of_zero_decides(
    low: float, high: float, toward: int, verdict: str
) -> None:
    effect = Interval((low + high) / 2, low, high)
    assert settled(SAID, effect, "points", toward, "", seeds=3).verdict == verdict
    assert settled(SAID, effect, "points", toward, "", seeds=1).verdict == "inconclusive"


def test_what_it_is_compared_with_may_be_another_number() -> None:
    effect = Interval(0.0, -0.005, 0.005)
    assert settled(SAID, effect, "points", -1, "", seeds=3, beyond=0.01).verdict == "agrees"
    assert settled(SAID, effect, "points", 1, "", seeds=3, beyond=0.01).verdict == "disagrees"


def test_what_is_barred_may_disagree_but_not_agree() -> None:
    up, down = Interval(0.2, 0.1, 0.3), Interval(-0.2, -0.3, -0.1)
    assert settled(SAID, down, "points", 1, "", seeds=3, barred="No.").verdict == "disagrees"
    barred = settled(SAID, up, "points", 1, "", seeds=3, barred="No.", left="Less.")
    assert barred.verdict == "inconclusive"
    assert barred.missing == "Less. No."


def test_several_comparisons() -> None:
    def told(agrees: bool, disagrees: bool, seeds: int) -> tuple[str, str]:
        claim = compared(SAID, "", agrees=agrees, disagrees=disagrees, seeds=seeds, left="Less.",
                         missing="More.")  # fmt: skip
        return claim.verdict, claim.missing

    assert told(True, False, 2) == ("agrees", "Less.")
    assert told(False, True, 2) == ("disagrees", "Less.")
    assert told(False, False, 2) == ("inconclusive", "Less. More.")
    assert told(True, False, 1) == ("inconclusive", f"Less. {ALONE}")


def test_how_many_more_repetitions() -> None:
    assert "three" in more(Interval(1.0, 0.0, 2.0), 1)
    assert more(Interval(1.0, 0.5, 1.5), 3) == ""
    assert "at most 12 repetitions" in more(Interval(1.0, -1.0, 3.0), 3)
    assert "hardly" in more(Interval(0.0, -1.0, 1.0), 3)


def test_a_csv_and_records(tmp_path: Path) -> None:
    claims = [settled(SAID, Interval(0.2, 0.1, 0.3), "points", 1, 'a "b", c', seeds=3)]
    assert write_claims(tmp_path / "c.csv", claims) == [claims[0].record()]
    with (tmp_path / "c.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["measured"] == 'a "b", c'
    assert float(row["low"]) == 0.1


def test_records_are_plain_and_rows_are_flat() -> None:
    claims = [
        settled(SAID, Interval(0.2, 0.1, math.inf), "points", 1, "measured", seeds=3),
        unmeasured(SAID, "cmc has not landed."),
    ]
    assert json.loads(json.dumps([one.record() for one in claims], allow_nan=False))[0][
        "effect"
    ] == [0.2, 0.1, None]
    rows = table(claims)
    assert rows[0]["value"] == 0.2
    assert rows[1]["value"] == ""
    assert rows[1]["verdict"] == "not measured"
    assert set(rows[0]) == set(rows[1])
