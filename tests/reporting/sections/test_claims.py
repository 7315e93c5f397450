from __future__ import annotations

from typing import Any

import pytest

from presight.reporting.blocks import Folded, Table
from presight.reporting.sections.claims import sections


def record(verdict: str, **changes: Any) -> dict[str, Any]:
    told = {
        "name": "n", "said": "Labels matter.", "where": "survey, section 4", "verdict": verdict,
        "measured": "+3.0 points.", "missing": "", "effect": [0.03, 0.01, 0.05], "unit": "points",
    }  # fmt: skip
    return {**told, **changes}


def test_what_was_decided_stands_first_and_the_rest_is_folded() -> None:
    (found,) = sections(
        [record("not measured", missing="Nobody did."), record("inconclusive"), record("agrees")]
    )
    table, folded = found.blocks
    assert isinstance(table, Table)
    assert [row[1] for row in table.rows] == ["agrees", "inconclusive"]
    assert table.rows[0][0] == "Labels matter. (survey, section 4)"
    assert table.rows[0][2] == "+3.0 points."
    assert isinstance(folded, Folded)
    assert folded.table.rows == [["Labels matter. (survey, section 4)", "Nobody did."]]
    assert found.finding == (
        "Of 3 claims of the literature: 1 agree, 1 inconclusive, 1 not measured."
    )


def test_without_claims_there_is_no_section() -> None:
    assert sections([]) == []


def test_all_may_be_unmeasured() -> None:
    (found,) = sections([record("not measured")])
    assert len(found.blocks) == 1


def test_a_record_without_its_words_is_refused() -> None:
    with pytest.raises(KeyError):
        sections([{"verdict": "agrees"}])
