"""Answers as tables and files: they are read again as labels."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.labels.making import HEIGHT, WIDTH, images
from presight.data.labels import open_task
from presight.evaluation.tasks import tabled
from presight.evaluation.tasks.average_precision import Detections
from presight.evaluation.tasks.sets import TASKS

NAMES = ("cat", "dog", "cow", "hen")


def written(root: Path, task: str, answers: list[Any], names: tuple[str, ...] = NAMES) -> Path:
    """The table of answers to 0.png, 1.png, ... beside them."""
    images(root, len(answers))
    path = root / "predictions.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(tabled.columns(task, names))
        for number, answer in enumerate(answers):
            table.writerows(tabled.rows(task, f"images/{number}.png", answer, names))
    return path


def test_classes_with_the_probabilities_of_the_best(tmp_path: Path) -> None:
    answers = [np.array([0.1, 0.6, 0.05, 0.25]), np.array([0.7, 0.1, 0.1, 0.1])]
    path = written(tmp_path, "classification", answers)
    rows = list(csv.reader(path.read_text().splitlines()))
    assert rows[0] == ["path", "label", "probability", "label 2", "probability 2", "label 3",
                       "probability 3"]  # fmt: skip
    assert rows[1] == ["images/0.png", "dog", "0.6", "hen", "0.25", "cat", "0.1"]
    source = open_task(path, task="classification", workers=1)
    assert [source.classes[source.target(i).label] for i in range(2)] == ["dog", "cat"]
    two = tabled.rows("classification", "x", np.array([0.4, 0.6]), NAMES[:2])
    assert len(two[0]) == len(tabled.columns("classification", NAMES[:2])) == 5


def test_several_classes_and_none(tmp_path: Path) -> None:
    answers = [np.array([0.9, 0.5, 0.1, 0.2]), np.array([0.1, 0.1, 0.1, 0.1])]
    path = written(tmp_path, "multilabel", answers)
    source = open_task(path, task="multilabel", workers=1)
    assert source.classes == ("cat", "dog")
    assert [source.target(i).present.tolist() for i in range(2)] == [[True, True], [False, False]]
    assert list(csv.reader(path.read_text().splitlines()))[2][2:] == ["0.1"] * 4


def test_a_line_a_box() -> None:
    boxes = np.array([[1, 2, 3.456, 4], [5, 6, 7, 8], [0, 0, 1, 1]], np.float32)
    found = Detections(boxes, np.array([0.9, 0.05, 0.01], np.float32), np.array([2, 0, 1]))
    assert tabled.rows("detection", "a", found, NAMES) == [
        ["a", "cow", "0.9", "1", "2", "3.46", "4"],
        ["a", "cat", "0.05", "5", "6", "7", "8"],
    ]


def test_points_and_turns_are_read_as_labels(tmp_path: Path) -> None:
    points = np.array([[3.25, 4, 0.5], [10, 20.5, 0.1]], np.float32)
    path = written(tmp_path / "a", "keypoints", [points], ("left eye", "nose"))
    target = open_task(path, task="keypoints", workers=1).target(0)
    assert target.points[0].tolist() == points[:, :2].tolist()
    assert target.names == ("left eye", "nose")
    turn = np.array([0.5, -0.5, 0.5, 0.5], np.float32)
    path = written(tmp_path / "b", "pose", [turn])
    assert open_task(path, task="pose", workers=1).target(0).quaternion.tolist() == turn.tolist()


def test_masks_and_depths_are_read_as_labels(tmp_path: Path) -> None:
    images(tmp_path, 1)
    classes = np.tile(np.arange(WIDTH, dtype=np.uint8) % 4, (HEIGHT, 1))
    (tmp_path / "masks").mkdir()
    (tmp_path / "masks/0.png").write_bytes(tabled.plane_file("segmentation", classes))
    (tmp_path / "masks/palette.csv").write_text(tabled.palette_file(NAMES))
    source = open_task(tmp_path, task="segmentation", workers=1)
    assert source.classes == NAMES
    assert np.array_equal(source.target(0).mask, classes)
    meters = np.linspace(0.5, 300, HEIGHT * WIDTH, dtype=np.float32).reshape(HEIGHT, WIDTH)
    (tmp_path / "depth").mkdir()
    (tmp_path / "depth/0.png").write_bytes(tabled.plane_file("depth", meters))
    scale = 1 / tabled.STEPS
    target = open_task(tmp_path, task="depth", depth_scale=scale, workers=1).target(0)
    near = meters < 255
    assert np.abs(target.depth - meters)[near].max() <= scale / 2 + 1e-5
    assert target.depth.max() == pytest.approx(65_535 / 256)
    told = tabled.rows("depth", "a", np.full((4, 4), 2.5), (), "depths/a.png")
    assert told == [["a", "depths/a.png", "2.5", "2.5", "2.5"]]
    shares = tabled.rows("segmentation", "a", classes, NAMES, "masks/a.png")
    assert shares == [["a", "masks/a.png", "0.25", "0.25", "0.25", "0.25"]]


@pytest.mark.parametrize("task", TASKS)
def test_every_task_has_a_head_as_long_as_its_rows(task: str) -> None:
    answer: Any = {
        "detection": Detections(
            np.ones((1, 4), np.float32), np.ones(1, np.float32), np.zeros(1, int)
        ),
        "segmentation": np.zeros((4, 4), np.uint8),
        "depth": np.ones((4, 4), np.float32),
        "keypoints": np.ones((4, 3), np.float32),
    }.get(task, np.full(4, 0.5, np.float32))
    head = tabled.columns(task, NAMES)
    assert head[0] == "path"
    assert [len(row) for row in tabled.rows(task, "a", answer, NAMES)] == [len(head)]
