from __future__ import annotations

from pathlib import Path

from presight.reporting.blocks import Figure
from presight.reporting.sections import study_cost
from presight.reporting.sections.study_reading import Arm, read_study
from reporting.sections.studies import told, written


def test_time_beside_labels_saved(tmp_path: Path) -> None:
    facts = read_study(written(tmp_path / "s", told()))
    section = study_cost.section(facts.answers[0], facts.pretraining, "p")
    assert section is not None
    assert section.finding == (
        "5 min of pretraining let 50 labels of frozen good do the work of 200 (150 to more)."
    )
    held = section.blocks[0]
    assert isinstance(held, Figure)
    assert held.title == "Labels replaced with 50 labels, against the time of pretraining"
    assert held.table is not None
    assert list(held.table.rows[0]) == [
        "good, frozen", "5 min", "150 (100 to more)", "more than 0",
    ]  # fmt: skip


def test_without_times_there_is_no_chart(tmp_path: Path) -> None:
    facts = read_study(written(tmp_path / "s", told()))
    assert study_cost.section(facts.answers[0], {}, "p") is None


def test_nothing_surely_saved_is_said(tmp_path: Path) -> None:
    value = told()
    for one in value["answers"][0]["entries"][0]["utility"]:
        one["low"] = None
    facts = read_study(written(tmp_path / "s", value))
    section = study_cost.section(facts.answers[0], facts.pretraining, "p")
    assert section is not None
    assert section.finding == "No labels are surely saved, whatever was spent."


def test_what_the_study_cost_in_all() -> None:
    seconds = {Arm("good", "resnet9:8"): [290.0, 310.0]}
    assert study_cost.total(seconds, 125.0) == "Pretraining took 10 min in all, measuring 2 min."
    assert study_cost.total({}, 0.0) == ""
