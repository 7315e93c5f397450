from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from presight.studies.answer import answer
from presight.studies.cells import Arm, Cell, Mode, Row
from presight.studies.record import told
from studies.making import LABELS, rows

GOOD: tuple[str, Mode] = ("good", "frozen")
CURVES: dict[tuple[str, Mode], list[float]] = {
    ("none", "finetune"): [0.3, 0.4, 0.5, 0.6, 0.7],
    ("none", "frozen"): [0.2] * 5,
    ("good", "frozen"): [0.6] * 5,
    ("good", "finetune"): [0.4, 0.5, 0.6, 0.7, 0.8],
}


def at_stage(row: Row, stage: int) -> Row:
    return dataclasses.replace(row, cell=dataclasses.replace(row.cell, stage=stage))


def measured() -> list[Row]:
    """Whole backbones at all numbers of labels, and two stages of one with the most."""
    whole = rows(CURVES, seeds=3)
    parts = []
    for stage, value in ((1, 0.35), (2, 0.75)):
        some = rows({GOOD: [value]}, labels=LABELS[-1:], seeds=3)
        parts += [at_stage(row, stage) for row in some]
    return [*whole, *parts]


def nowhere(arm: Arm, seed: int) -> Path:
    return Path("/nowhere")


def test_stages_are_scored_beside_the_whole_backbone() -> None:
    held = measured()
    found = told(held, [answer(held, "accuracy")], nowhere)
    (stages,) = found["answers"][0]["stages"]
    assert stages["stages"] == [1, 2, 0]
    assert stages["n_labels"] == LABELS[-1]
    assert stages["arm"]["method"] == "good"
    means = [score[0] for score in stages["scores"]]
    assert means == pytest.approx([0.35, 0.75, 0.6], abs=0.04)
    assert all(low < mean < high for mean, low, high in stages["scores"])
    json.dumps(found, allow_nan=False)


def test_fine_tuned_less_frozen_is_paired() -> None:
    """The images' own spread is the same on both sides, and falls out."""
    held = rows(CURVES, seeds=3, apart=0.0)
    found = told(held, [answer(held, "accuracy")], nowhere)
    modes = {one["arm"]["method"]: one for one in found["answers"][0]["modes"]}
    assert modes["good"]["labels"] == list(LABELS)
    gaps = modes["good"]["gaps"]
    assert [gap[0] for gap in gaps] == pytest.approx([-0.2, -0.1, 0, 0.1, 0.2], abs=0.02)
    assert gaps[2][2] - gaps[2][1] < 0.001  # the same answers in both modes
    assert modes["none"]["gaps"][-1][0] == pytest.approx(0.5, abs=0.02)


def test_an_arm_in_one_mode_has_no_difference() -> None:
    held = rows({key: CURVES[key] for key in (("none", "finetune"), GOOD)})
    assert told(held, [answer(held, "accuracy")], nowhere)["answers"][0]["modes"] == []


def test_stages_of_a_repetition_that_is_not_whole_are_left_out() -> None:
    held = [row for row in measured() if (row.cell.stage, row.cell.seed) != (1, 2)]
    (stages,) = told(held, [answer(held, "accuracy")], nowhere)["answers"][0]["stages"]
    two = [row.values["accuracy"] for row in held if row.cell.stage == 2 and row.cell.seed < 2]
    assert stages["scores"][1][0] == pytest.approx(sum(two) / 2)


def test_seconds_of_pretraining_and_of_measuring(tmp_path: Path) -> None:
    for seed in range(3):
        (tmp_path / f"good{seed}").mkdir()
        (tmp_path / f"good{seed}" / "run.json").write_text(json.dumps({"seconds": 5.0 + seed}))
    held = rows(CURVES, seeds=3)
    found = told(
        held, [answer(held, "accuracy")], lambda arm, seed: tmp_path / f"{arm.method}{seed}"
    )
    assert found["cost"]["pretraining"] == [
        {"arm": {"method": "good", "backbone": "resnet9:8", "images": ""}, "seconds": [5, 6, 7]}
    ]
    assert found["cost"]["measuring"] == len(held)  # a second each


def test_each_answer_has_the_stages_of_its_own_task() -> None:
    own = measured()
    other = [
        dataclasses.replace(row, cell=dataclasses.replace(row.cell, task="depth"))
        for row in rows(CURVES, seeds=3)
    ]
    found = told([*own, *other], [answer(own, "accuracy"), answer(other, "accuracy")], nowhere)[
        "answers"
    ]
    assert [len(one["stages"]) for one in found] == [1, 0]
    assert isinstance(own[0].cell, Cell)
