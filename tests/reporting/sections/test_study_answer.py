from __future__ import annotations

from pathlib import Path
from typing import Any

from presight.reporting.blocks import Figure, Section
from presight.reporting.charts.utility import Saved
from presight.reporting.sections.study_answer import saved_words, sections
from presight.reporting.sections.study_reading import read_study
from reporting.charts.svg import texts
from reporting.sections.studies import FEW, answer, entry, told, written


def found(folder: Path, **changes: Any) -> dict[str, Section]:
    facts = read_study(written(folder / "s", told(answers=[answer(**changes)])))
    return {one.key: one for one in sections(facts.answers[0], "p")}


def figure(section: Section) -> Figure:
    held = section.blocks[0]
    assert isinstance(held, Figure)
    return held


def test_all_sections_with_their_findings(tmp_path: Path) -> None:
    made = found(tmp_path)
    assert list(made) == ["labels", "utility", "modes", "stages"]
    assert made["labels"].finding == (
        "Frozen good has +30.0 (+25.0 to +35.0) points over scratch with 50 labels, "
        "+10.0 (\N{MINUS SIGN}2.0 to +20.0) with 200."
    )
    assert made["utility"].finding == (
        "With frozen good, 50 labels do the work of 200 (150 to more)."
    )
    assert made["modes"].finding == "With 50 labels freeze good; with 200 labels it cannot be told."
    assert made["stages"].finding == "Of good, stage 2 tells most: 77.0\xa0%."


def test_the_chart_says_who_leads_and_draws_what_is_there_for_proportion(tmp_path: Path) -> None:
    held = figure(found(tmp_path)["labels"])
    assert held.title == (
        "With 200 labels frozen good reaches 70.0\xa0% (95 % interval 68.0 to 72.0), "
        "scratch 60.0\xa0%"
    )
    words = texts(str(held.drawing))
    assert {"scratch", "untrained", "raw pixels", "blind guess", "all labels"} <= set(words)
    assert "accuracy on the test images, %" in words
    assert held.values is not None
    lines = held.values["lines"]
    assert list(lines) == ["good, frozen", "scratch", "good, fine-tuned"]


def test_maximal_supervision_is_in_the_table(tmp_path: Path) -> None:
    table = figure(found(tmp_path)["labels"]).table
    assert table is not None
    assert table.rows[-1] == ["maximal supervision, resnet9:8", "", "81.0\xa0%"]


def test_scratch_keeps_its_line_among_many_arms(tmp_path: Path) -> None:
    arms = [entry(f"m{k}", "frozen", [0.6, 0.7], gaps=FEW) for k in range(12)]
    made = found(tmp_path, entries=[*arms, entry("none", "finetune", [0.1, 0.2])])
    values = figure(made["labels"]).values
    assert values is not None
    assert len(values["lines"]) == 8
    assert "scratch" in values["lines"]


def test_without_pretraining_only_scores_are_left(tmp_path: Path) -> None:
    made = found(tmp_path, entries=[entry("none", "finetune", [0.3, 0.6])], stages=[], modes=[])
    assert list(made) == ["labels"]
    assert made["labels"].finding == ""


def test_one_number_of_labels(tmp_path: Path) -> None:
    one = entry("good", "frozen", [0.6], gaps=FEW[:1])
    made = found(tmp_path, labels=[50], entries=[one], stages=[], modes=[])
    assert made["labels"].finding == (
        "Frozen good has +30.0 (+25.0 to +35.0) points over scratch with 50 labels."
    )


def test_labels_saved_in_words() -> None:
    assert saved_words(Saved(50, 200, 150, None, "ok")) == "200 (150 to more)"
    assert saved_words(Saved(50, 200, None, 300, "flat")) == "200 (fewer to 300); flat"
    assert saved_words(Saved(50, 200, None, None, "right_censored")) == "more than 200"
    assert saved_words(Saved(50, 20, None, None, "left_censored")) == "fewer than 20"


def test_raw_pixels_never_lead_the_chart(tmp_path: Path) -> None:
    entries = [
        entry("pixels", "frozen", [0.5, 0.9], backbone=""),
        entry("good", "frozen", [0.6, 0.7], gaps=FEW),
    ]
    title = figure(found(tmp_path, entries=entries)["labels"]).title
    assert title.startswith("With 200 labels frozen good reaches 70.0")
