from __future__ import annotations

import json
import math

import pytest

from presight.errors import UsageError
from presight.studies.answer import answer
from presight.studies.cells import NONE

from .making import LABELS, rows

A = [0.30, 0.38, 0.46, 0.54, 0.62]  # of scratch: eight points for each doubling of labels


def test_planted_utility_is_found() -> None:
    """Pretraining is worth as many labels again: four points in eight a doubling, b(n) = a(2 n)."""
    found = answer(
        rows({(NONE, "finetune"): A, ("good", "finetune"): [a + 0.08 for a in A]}), "accuracy"
    )
    best = found.entries[0]
    assert best.arm.method == "good"
    for one in best.utility[:3]:
        assert one.status == "ok"
        assert one.value == pytest.approx(1.0, abs=0.3)
    assert best.utility[-1].status == "right_censored"
    assert best.scenario is not None
    assert best.scenario.kind == "higher ceiling"
    assert "With 800 labels take good on resnet9:8 fine-tuned" in found.sentence
    assert "400 labels do the work of" in found.sentence


def test_the_intervals_hold_what_was_planted() -> None:
    """Of 24 nominal 95 % intervals of eight studies fewer than 20 hold it once in 150 times."""
    curves = {(NONE, "finetune"): A, ("good", "finetune"): [a + 0.08 for a in A]}
    held = 0
    for draw in range(8):
        found = answer(rows(curves, draw=draw), "accuracy").entries[0].utility[:3]
        held += sum(one.low <= 1.0 <= one.high for one in found)
    assert held >= 20


def test_without_an_effect_no_labels_are_saved() -> None:
    found = answer(rows({(NONE, "finetune"): A, ("idle", "finetune"): A}), "accuracy")
    (idle,) = [entry for entry in found.entries if entry.arm.method == "idle"]
    assert all(one.low <= 0.0 <= one.high for one in idle.utility)
    assert idle.scenario is not None
    assert idle.scenario.kind == "no gain"
    assert "not to be told apart" in found.sentence


def test_harm_is_said() -> None:
    found = answer(
        rows({(NONE, "finetune"): A, ("bad", "finetune"): [a - 0.1 for a in A]}), "accuracy"
    )
    (bad,) = [entry for entry in found.entries if entry.arm.method == "bad"]
    assert bad.scenario is not None
    assert bad.scenario.harmful == LABELS
    assert "Pretraining is not worth its time here" in found.sentence


def test_frozen_arms_are_held_against_the_network_that_learns_as_a_whole() -> None:
    found = answer(
        rows(
            {
                (NONE, "frozen"): [0.2] * 5,
                (NONE, "finetune"): A,
                ("good", "frozen"): [0.45, 0.48, 0.5, 0.52, 0.55],
            }
        ),
        "accuracy",
    )
    (good,) = [entry for entry in found.entries if entry.arm.method == "good"]
    assert good.utility[0].value > 1
    assert good.scenario is not None
    assert good.scenario.harmful == (400, 800)


def test_the_record_is_plain_json_without_infinities() -> None:
    found = answer(rows({(NONE, "finetune"): A, ("good", "finetune"): [0.9] * 5}), "accuracy")
    assert any(math.isinf(one.high) for entry in found.entries for one in entry.utility)
    assert "Infinity" not in json.dumps(found.record(), allow_nan=False)


def test_the_table_names_all_and_is_in_per_cent() -> None:
    found = answer(rows({(NONE, "finetune"): A, ("good", "frozen"): A}), "accuracy")
    lines = found.table()
    assert len(lines) == 3
    assert all(f"{n:,}" in lines[0] for n in LABELS)
    assert any(line.startswith("scratch") for line in lines)


def test_nothing_has_no_answer() -> None:
    with pytest.raises(UsageError):
        answer([], "accuracy")
