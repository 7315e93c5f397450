from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from presight.errors import IntegrityError, UsageError
from presight.reporting.page import write_report
from presight.reporting.sections.study import answered, read_study, sections


def told(**changes: Any) -> dict[str, Any]:
    """A study's file: one arm far above scratch with few labels."""

    def entry(method: str, mode: str, scores: list[float], utility: list[Any]) -> dict[str, Any]:
        return {
            "arm": {"method": method, "backbone": "resnet9:8"},
            "mode": mode,
            "scores": [[s, s - 0.02, s + 0.02] for s in scores],
            "by_seed": [[s - 0.01 for s in scores], [s + 0.01 for s in scores]],
            "utility": utility,
            "scenario": None,
        }

    saved = [
        {"n_labels": 50, "value": 3.0, "low": 2.0, "high": None, "status": "ok"},
        {"n_labels": 200, "value": 0.0, "low": None, "high": None, "status": "right_censored"},
    ]
    answer = {
        "metric": "accuracy",
        "labels": [50, 200],
        "sentence": "With 200 labels take good on resnet9:8 frozen: accuracy 70.0 % (95 % interval "
        "68.0 % to 72.0 %); not to be told apart from other. 50 labels do the work of 200.",
        "entries": [
            entry("good", "frozen", [0.6, 0.7], saved),
            entry("none", "finetune", [0.3, 0.6], []),
        ],
    }
    return {
        "layout": 2,
        "plan": {"worlds": [{"name": "", "data": "/home/somebody/photos"}], "seeds": 2},
        "answers": [answer],
        **changes,
    }


def written(folder: Path, value: Any) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "study.json").write_text(value if isinstance(value, str) else json.dumps(value))
    return folder


def test_the_answer_is_the_verdict(tmp_path: Path) -> None:
    found = answered(read_study(written(tmp_path / "s", told())))
    assert found.before == "With 200 labels take good on resnet9:8 frozen:"
    assert found.figure == "accuracy 70.0 %"
    assert found.after == "(95 % interval 68.0 % to 72.0 %)"
    assert found.lede.startswith("Not to be told apart")
    assert found.above_untrained


def test_the_page_has_all_and_names_no_place_of_the_machine(tmp_path: Path) -> None:
    page = write_report([written(tmp_path / "s", told())], tmp_path / "r.html").read_text()
    for text in (
        "What do labels buy?",
        "How many labels does pretraining save?",
        "200 (150 to more)",
        "more than 200",
        "Frozen or fine-tuned?",
        "What was asked",
    ):
        assert text in page
    assert "somebody" not in page
    assert "report on a study" in page


def test_without_pretraining_there_is_nothing_saved(tmp_path: Path) -> None:
    value = told()
    value["answers"][0]["entries"] = value["answers"][0]["entries"][1:]
    facts = read_study(written(tmp_path / "s", value))
    assert [one.key for one in sections(facts)] == ["labels", "modes", "asked"]


def test_names_full_of_markup_stay_text(tmp_path: Path) -> None:
    value = told()
    value["answers"][0]["entries"][0]["arm"]["method"] = "<script>alert(1)</script>"
    value["answers"][0]["sentence"] = "<b>bold</b>"
    page = write_report([written(tmp_path / "s", value)], tmp_path / "r.html").read_text()
    assert "<script>alert" not in page
    assert "<b>bold" not in page


@pytest.mark.parametrize(
    "value",
    [
        "",
        "{",
        "[]",
        "{}",
        told(layout=1),
        told(answers=3),
        told(answers=[{"labels": [1]}]),
        told(plan=1),
        told(claims=[{"verdict": "agrees"}]),
    ],
)
def test_a_damaged_study_is_said(tmp_path: Path, value: Any) -> None:
    with pytest.raises(IntegrityError, match="study"):
        read_study(written(tmp_path / "s", value))


def test_a_study_has_a_page_alone(tmp_path: Path) -> None:
    folder = written(tmp_path / "s", told())
    with pytest.raises(UsageError, match="alone"):
        write_report([folder, folder], tmp_path / "r.html")


def test_claims_have_a_section_where_the_study_holds_some(tmp_path: Path) -> None:
    one = {"said": "More is more.", "where": "somewhere", "verdict": "agrees",
           "measured": "+3 points.", "missing": ""}  # fmt: skip
    facts = read_study(written(tmp_path / "s", told(claims=[one])))
    assert [section.key for section in sections(facts)] == [
        "labels", "utility", "modes", "claims", "asked",
    ]  # fmt: skip
