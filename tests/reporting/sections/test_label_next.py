from __future__ import annotations

from typing import Any

import pytest

from presight.reporting.blocks import Command, Figure, Table
from presight.reporting.sections.label_next import sections


def saved(n: int, value: float, status: str = "ok", **changes: Any) -> dict[str, Any]:
    return {"n_labels": n, "value": value, "low": 0.5, "high": None, "status": status, **changes}


def told() -> dict[str, Any]:
    kinds = ("random", "stratified", "selected")
    arm = {
        "arm": {"method": "/home/somebody/runs/good", "backbone": "resnet9:8", "images": ""},
        "networks": 3,
        "draws": 5,
        "counts": [10, 20],
        "scores": {k: [[0.3 + at / 10, 0.28, 0.45], [0.5, 0.4, 0.6]] for at, k in enumerate(kinds)},
        "classes": {k: [5.2, 8.0] for k in kinds},
        "gains": {k: [[0.2, 0.1, 0.3], [-0.01, -0.02, 0.01]] for k in kinds[:2]},
        "mean": {k: [0.1, 0.05, 0.15] for k in kinds[:2]},
        "saved": {k: [saved(10, 1.0), saved(20, 0.0, "right_censored")] for k in kinds[:2]},
    }
    return {"sentence": "Told.", "arms": [arm]}


def test_a_study_without_the_record_has_no_section() -> None:
    assert sections(None) == []


def test_scores_gains_and_labels_saved_are_there() -> None:
    (section,) = sections(told())
    assert section.finding == "Told."
    figure, gains, command = section.blocks
    assert isinstance(figure, Figure)
    assert figure.title == "Labels chosen and labels drawn, good, resnet9:8"
    assert "5 choices of labels of each kind for each of 3 networks" in figure.protocol
    assert figure.table is not None
    assert figure.table.rows[0][0] == "chosen"
    assert figure.table.rows[0][1].startswith("50.0")
    assert isinstance(gains, Table)
    assert gains.rows[0] == [
        "10 chosen, above drawn at random", "+20.0 (+10.0 to +30.0)", "20 (15 to more)",
    ]  # fmt: skip
    assert gains.rows[1][1:] == ["\u22121.0 (\u22122.0 to +1.0)", "more than 20"]
    assert len(gains.rows) == 4
    assert isinstance(command, Command)
    assert "--select" in command.text


def test_the_page_names_no_place_of_the_machine() -> None:
    assert "somebody" not in repr(sections(told()))


@pytest.mark.parametrize("value", [{"arms": 3}, {"sentence": "x", "arms": [{}]}])
def test_what_is_no_record_is_refused(value: dict[str, Any]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        sections(value)
