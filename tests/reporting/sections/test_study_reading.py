from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from presight.errors import IntegrityError, UsageError
from presight.reporting.sections.study_reading import Arm, is_study, read_study
from reporting.sections.studies import answer, entry, told, written


def test_the_answer_is_the_verdict(tmp_path: Path) -> None:
    found = read_study(written(tmp_path / "s", told())).answers[0].verdict
    assert found.before == "With 200 labels take good on resnet9:8 frozen:"
    assert found.figure == "accuracy 70.0 %"
    assert found.after == "(95 % interval 68.0 % to 72.0 %)"
    assert found.lede.startswith("Not to be told apart")
    assert found.above_untrained


def test_names_in_words(tmp_path: Path) -> None:
    one = read_study(written(tmp_path / "s", told())).answers[0]
    assert [one.name_of(each) for each in one.entries] == [
        "good, frozen", "scratch", "good, fine-tuned", "untrained", "raw pixels", "blind guess",
    ]  # fmt: skip
    assert one.said(one.entries[2]) == "fine-tuned good"
    assert one.arms == [Arm("good", "resnet9:8")]


def test_a_run_by_its_path_is_named_by_its_folder() -> None:
    assert Arm("/home/somebody/runs/mine", "resnet18").name(several=True) == "mine, resnet18"


def test_backbones_and_worlds_are_named_where_there_are_several(tmp_path: Path) -> None:
    entries = [
        entry("good", "frozen", [0.5, 0.6], images="a"),
        entry("good", "frozen", [0.4, 0.6], images="b", backbone="vgg11_bn"),
    ]
    value = told(answers=[answer(entries=entries)])
    one = read_study(written(tmp_path / "s", value)).answers[0]
    assert one.name_of(one.entries[1]) == "good of b, vgg11_bn, frozen"


def test_labels_needed_are_labels_and_not_shares(tmp_path: Path) -> None:
    first = read_study(written(tmp_path / "s", told())).answers[0].entries[0]
    assert [(one.needed, one.low, one.high) for one in first.saved] == [
        (200.0, 150.0, None),
        (200.0, None, None),
    ]


def test_what_older_files_lack_is_not_needed(tmp_path: Path) -> None:
    value = told()
    del value["cost"]
    for name in ("stages", "modes", "maximal", "seeds", "measured_on"):
        del value["answers"][0][name]
    facts = read_study(written(tmp_path / "s", value))
    assert facts.answers[0].seeds == 2
    assert not facts.pretraining


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
        told(answers=[answer(entries=[])]),
        told(answers=[answer(stages=[{"arm": 1}])]),
        told(cost=[1]),
        told(plan=1),
        told(claims=[{"verdict": "agrees"}]),
        told(diagnostics={"nothing": 1}),
        told(selection={"arms": 1}),
    ],
)
def test_a_damaged_study_is_said(tmp_path: Path, value: Any) -> None:
    with pytest.raises(IntegrityError, match="study"):
        read_study(written(tmp_path / "s", value))


def test_a_folder_without_the_file_is_no_study(tmp_path: Path) -> None:
    assert not is_study(tmp_path)
    assert is_study(written(tmp_path / "s", ""))


def test_a_study_without_an_answer_yet_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no answer yet"):
        read_study(written(tmp_path / "s", told(answers=[])))
