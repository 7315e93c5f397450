from __future__ import annotations

from typing import Any

import pytest

from presight.reporting.blocks import Figure, Folded, Table
from presight.reporting.sections.trust import sections


def one(figure: str, rho: float | None, verdict: str = "tells", **changes: Any) -> dict[str, Any]:
    score = {"task": "classification", "mode": "finetune", "n_labels": 1000, "measured_on": "",
             "metric": "accuracy", **changes.pop("score", {})}  # fmt: skip
    low, high = (None, None) if rho is None else (rho - 0.1, rho + 0.1)
    return {"figure": figure, "takes_labels": False, "score": score, "method": "",
            "over": "networks", "n": 12, "arms": 4, "rho": rho, "low": low, "high": high,
            "verdict": verdict, **changes}  # fmt: skip


def told(*found: dict[str, Any]) -> dict[str, Any]:
    return {"images": 2000, "least": 8, "sentence": "Told.", "correlations": list(found)}


FROZEN = {"mode": "frozen"}


def test_a_study_without_the_record_has_no_section() -> None:
    assert sections(None) == []
    assert sections({}) == []


def test_the_figure_is_of_the_fine_tuned_score_and_the_table_of_all() -> None:
    found = told(
        one("norm", 0.05, "tells nothing", score=FROZEN),
        one("norm", -0.2, "tells nothing"),
        one("effective rank", 0.8),
        one("dead units", None, "tells nothing"),
        one("kNN", 0.9, takes_labels=True),
    )
    (section,) = sections(found)
    assert section.finding == "Told."
    (figure,) = section.blocks
    assert isinstance(figure, Figure)
    assert figure.title == "Against classification, fine-tuned, 1,000 labels"
    assert figure.table is not None
    rows = {row[0]: row[1:] for row in figure.table.rows}
    # Those without labels first, the strongest on top.
    assert list(rows) == ["effective rank", "norm", "kNN *", "dead units"]
    assert rows["norm"] == [
        "+0.05 (\u22120.05 to +0.15); tells nothing",
        "\u22120.20 (\u22120.30 to \u22120.10); tells nothing",
    ]
    assert rows["effective rank"] == ["", "+0.80 (+0.70 to +0.90)"]
    assert rows["dead units"] == ["", "the same for all"]
    assert "dead units" not in figure.drawing
    assert "12 pretrained networks of 4 arms" in figure.protocol


def test_orders_of_arms_and_methods_stand_apart() -> None:
    arms = one("probe, most labels", 0.5, "too few", over="arms", n=4, takes_labels=True)
    within = one("LiDAR", 0.7, method="somebody/simple")
    (section,) = sections(told(one("LiDAR", 0.1, "tells nothing"), arms, within))
    _, order, folded = section.blocks
    assert isinstance(order, Table)
    assert order.rows[0][1:] == ["+0.50 (+0.40 to +0.60); too few", "4"]
    assert isinstance(folded, Folded)
    assert folded.table.rows[0][1] == "somebody/simple"


def test_where_no_figure_differs_there_is_no_chart() -> None:
    (section,) = sections(told(one("dead units", None, "tells nothing")))
    (figure,) = section.blocks
    assert isinstance(figure, Figure)
    assert figure.drawing == ""


@pytest.mark.parametrize("value", [{"correlations": 3}, {"sentence": "x"}, told({"figure": "x"})])
def test_what_is_no_record_is_refused(value: dict[str, Any]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        sections(value)
