from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from presight.reporting.blocks import Matrix
from presight.reporting.sections import study_gains
from presight.reporting.sections.study_reading import AnswerFacts, read_study
from reporting.sections.studies import FEW, HARM, answer, entry, told, written


def read(folder: Path, *answers: dict[str, Any]) -> list[AnswerFacts]:
    return list(read_study(written(folder / "s", told(answers=list(answers)))).answers)


def matrices(section: Any) -> list[Matrix]:
    assert section is not None
    return [block for block in section.blocks if isinstance(block, Matrix)]


def test_only_clear_gains_are_tinted_and_clear_losses_dashed(tmp_path: Path) -> None:
    few, many = matrices(study_gains.section(read(tmp_path, answer(), answer("depth"))))
    rows = {name: cells for name, cells in few.rows}
    assert [cell.value for cell in rows["good, frozen"]] == ["+30.0", "+30.0"]
    assert rows["good, frozen"][0].shade == pytest.approx(0.56)  # the biggest
    assert rows["good, fine-tuned"][0].shade == 0  # +1.0, but not clear of 0
    rows = {name: cells for name, cells in many.rows}
    assert rows["good, frozen"][0].shade == 0
    assert not rows["good, frozen"][0].harm
    assert rows["good, fine-tuned"][0].harm
    assert few.head[1:] == ["classification: accuracy, 50 labels", "depth: accuracy, 50 labels"]


def test_a_task_that_an_arm_lacks_has_an_empty_cell(tmp_path: Path) -> None:
    other = answer("depth", entries=[entry("other", "frozen", [0.5, 0.6], gaps=FEW)])
    few, _ = matrices(study_gains.section(read(tmp_path, answer(), other)))
    rows = dict(few.rows)
    assert [cell.value for cell in rows["other, frozen"]] == ["", "+30.0"]


def test_rows_for_proportion_are_in_their_order(tmp_path: Path) -> None:
    few, _ = matrices(study_gains.section(read(tmp_path, answer(), answer("depth"))))
    assert [name for name, _ in few.quiet] == [
        "maximal supervision", "scratch", "untrained", "raw pixels", "blind guess",
    ]  # fmt: skip
    assert few.quiet[1][1][0].value == "30.0\xa0%"


def test_the_finding_counts(tmp_path: Path) -> None:
    section = study_gains.section(read(tmp_path, answer(), answer("depth")))
    assert section is not None
    assert section.finding == (
        "With the fewest labels 2 of 4 show a clear gain; "
        "with the most labels 0 of 4 show a clear gain, 2 a clear loss."
    )


def test_no_method_ahead_everywhere_is_said(tmp_path: Path) -> None:
    other = answer("depth", entries=[entry("other", "frozen", [0.5, 0.6], gaps=FEW)])
    section = study_gains.section(read(tmp_path, answer(), other))
    assert section is not None
    assert "no method is ahead in every task" in section.finding


def test_one_answer_has_a_column_for_each_number_of_labels(tmp_path: Path) -> None:
    (only,) = matrices(study_gains.section(read(tmp_path, answer())))
    assert only.head == ["", "50 labels", "200 labels"]
    assert [cell.value for cell in dict(only.rows)["good, frozen"]] == ["+30.0", "+10.0"]


def test_nothing_pretrained_has_no_matrix(tmp_path: Path) -> None:
    only = answer(entries=[entry("none", "finetune", [0.3, 0.6])], stages=[], modes=[])
    assert study_gains.section(read(tmp_path, only)) is None


def test_transfer_is_pretrained_on_by_measured_on(tmp_path: Path) -> None:
    well = (FEW[0], (0.1, 0.05, 0.2))

    def on(world: str, a: Any, b: Any) -> dict[str, Any]:
        entries = [
            entry("good", "frozen", [0.5, 0.6], gaps=a, images="a"),
            entry("good", "frozen", [0.4, 0.5], gaps=b, images="b"),
            entry("none", "finetune", [0.2, 0.3]),
        ]
        return answer("classification", world, entries=entries, stages=[], modes=[])

    answers = read(tmp_path, on("a", well, HARM), on("b", HARM, FEW))
    section = study_gains.transfer(answers)
    assert section is not None
    assert section.finding == (
        "On the images pretrained on 1 of 2 gains are clear; on others 0 of 2 gains are clear."
    )
    (matrix,) = matrices(section)
    rows = {name: [cell.value for cell in cells] for name, cells in matrix.rows}
    minus = "\N{MINUS SIGN}10.0"
    assert rows == {"pretrained on a": ["+10.0", minus], "pretrained on b": [minus, "+10.0"]}
    assert matrix.head == ["", "measured on a", "measured on b"]
    # The methods' own table has each world's own pretraining.
    few, _ = matrices(study_gains.section(answers))
    assert [cell.value for cell in dict(few.rows)["good, frozen"]] == ["+30.0", "+30.0"]


def test_worlds_that_are_not_crossed_have_no_transfer(tmp_path: Path) -> None:
    assert study_gains.transfer(read(tmp_path, answer(), answer("depth"))) is None
