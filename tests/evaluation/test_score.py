from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from presight.errors import IntegrityError
from presight.evaluation.score import Score, find, packed_correct, read_result, write_result

CORRECT = np.array([True, False, True, True, False, False, False, True, True, False, True])
SCORE = Score("pretrained", "knn", 0.5, 0.4, 0.6, 80, 11, 3, {"correct": packed_correct(CORRECT)})


def test_round_trip() -> None:
    assert Score.from_json(json.loads(json.dumps(SCORE.to_json()))) == SCORE


def test_answers_by_image_come_back() -> None:
    assert (SCORE.correct() == CORRECT).all()


@pytest.mark.parametrize("details", [{}, {"correct": 3}, {"correct": "&&"}, {"correct": "AA=="}])
def test_missing_answers_are_named(details: dict[str, object]) -> None:
    score = Score("a", "b", 0.5, 0.4, 0.6, 1, 11, 0, details)
    with pytest.raises(IntegrityError, match="no results by image"):
        score.correct()


def test_file_round_trip(tmp_path: Path) -> None:
    path = write_result(tmp_path / "eval" / "one", [SCORE], {"view": "center"})
    assert path.name == "result.json"
    assert json.loads(path.read_text())["layout"] == 1
    assert read_result(path) == ([SCORE], {"view": "center"})


@pytest.mark.parametrize(
    "change",
    [
        {"row": 3},
        {"value": "high"},
        {"value": 1.5},
        {"value": True},
        {"low": None},
        {"n_test": 2.5},
        {"details": []},
    ],
)
def test_refuses_what_is_no_score(change: dict[str, object]) -> None:
    with pytest.raises(IntegrityError):
        Score.from_json({**SCORE.to_json(), **change})


@pytest.mark.parametrize(
    "text", ["", "[]", '{"layout": 2, "scores": []}', '{"layout": 1}', "[" * 100_000]
)
def test_refuses_other_files(tmp_path: Path, text: str) -> None:
    path = tmp_path / "result.json"
    path.write_text(text)
    with pytest.raises(IntegrityError):
        read_result(path)


def test_find() -> None:
    assert find([SCORE], "pretrained", "knn") is SCORE
    assert find([SCORE], "pretrained", "linear") is None
