"""Figures with intervals: what is written comes back, and sentences say what the numbers do."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from presight.errors import DataError, IntegrityError
from presight.evaluation.outcomes import (
    Outcome,
    interval,
    outcome_table,
    read_outcomes,
    sentence,
    write_outcomes,
)

BEST = Outcome("pretrained", "mIoU", "%", True, 0.412, 0.39, 0.435, 200,
               {"from scratch": [0.051, 0.03, 0.072]})  # fmt: skip
ERROR = Outcome("pretrained", "RMSE", "m", False, 1.23456, 1.1, 1.4, 200)


def test_round_trip(tmp_path: Path) -> None:
    path = write_outcomes(tmp_path / "eval" / "a", [BEST, ERROR], {"task": "segmentation"})
    assert read_outcomes(path) == ([BEST, ERROR], {"task": "segmentation"})


@pytest.mark.parametrize(
    "change",
    [{"value": "0.4"}, {"value": True}, {"low": None}, {"row": 3}, {"n_train": 1.5}, {"more": 1},
     {"above": []}, {"value": float("inf")}, {"above": {"a": [1, 2]}}, {"above": {"a": 3}},
     {"above": {"a": [1, 2, None]}}],
)  # fmt: skip
def test_what_is_damaged_is_told(change: dict[str, Any], tmp_path: Path) -> None:
    path = write_outcomes(tmp_path, [BEST], {})
    held = json.loads(path.read_text())
    held["outcomes"][0] |= change
    path.write_text(json.dumps(held))
    with pytest.raises(IntegrityError, match="cannot be read; evaluate again"):
        read_outcomes(path)


def test_whole_numbers_are_numbers_and_another_layout_is_not_read(tmp_path: Path) -> None:
    path = write_outcomes(tmp_path, [dataclasses.replace(BEST, value=1)], {})
    assert read_outcomes(path)[0][0].value == 1
    path.write_text(path.read_text().replace('"layout": 1', '"layout": 2'))
    with pytest.raises(IntegrityError):
        read_outcomes(path)
    with pytest.raises(IntegrityError):
        read_outcomes(tmp_path / "none.json")


def test_intervals_by_hand_and_covering() -> None:
    value, low, high = interval(np.array([0.0, 1.0, 1.0, 1.0]), share=True)
    assert (value, high) == (0.75, 1.0)
    assert low == pytest.approx(0.75 - 1.959964 * 0.5 / 2)
    assert interval(np.array([3.0, 5.0])).high == pytest.approx(4 + 1.959964)
    generator = np.random.default_rng(0)
    inside = 0
    for _ in range(400):
        _, low, high = interval(generator.normal(2.0, 1.0, 50))
        inside += low < 2.0 < high
    assert 0.92 <= inside / 400 <= 0.98
    for nothing in (np.array([np.nan, 1.0]), np.array([])):
        with pytest.raises(DataError, match="take more of them"):
            interval(nothing)


def test_sentences() -> None:
    assert sentence([BEST, ERROR], "finetune") == (
        "With 200 labels the fine-tuned network reaches 41.2 % mIoU, 5.1 points above the same "
        "network from scratch (3.0 to 7.2)."
    )
    few = dataclasses.replace(BEST, n_train=50, value=0.1)
    assert "With 200 labels" in sentence([few, BEST], "finetune")
    worse = dataclasses.replace(BEST, above={"untrained": [-0.051, -0.072, -0.03]})
    assert sentence([worse], "frozen") == (
        "With 200 labels a head on the frozen network reaches 41.2 % mIoU, 5.1 points below the "
        "untrained network (3.0 to 7.2)."
    )
    same = dataclasses.replace(BEST, above={"untrained": [0.01, -0.02, 0.04]})
    assert sentence([same], "frozen").endswith(
        ": not to be told from the untrained network, 1.0 points (-2.0 to 4.0)."
    )
    assert sentence([dataclasses.replace(BEST, above={})], "frozen").endswith("41.2 % mIoU.")


def test_a_table_of_figures() -> None:
    blind = dataclasses.replace(BEST, row="blind guess", value=0.1, low=0.1, high=0.1)
    few = dataclasses.replace(BEST, n_train=50)
    lines = outcome_table([few, BEST, ERROR, blind])
    assert lines == [
        "          labels   pretrained             blind guess",
        "-" * 62,
        "mIoU, %   50       41.2  (39.0 to 43.5)   not measured",
        "mIoU, %   200      41.2  (39.0 to 43.5)   10.0  (10.0 to 10.0)",
        "RMSE, m   200      1.23  (1.1 to 1.4)     not measured",
    ]
