"""Answers as rows of a table and as files, in the forms in which labels are read."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from presight.evaluation.tasks.average_precision import Detections
from presight.evaluation.tasks.drawn import color
from presight.evaluation.tasks.task import Answer

STEPS = 256
"""Of a meter, in depth files: up to 255.99 m in 16 bits, as KITTI has them."""

LEAST_SCORE = 0.05
"""Of a box that stands in the table."""

BEST = 3
"""Classes that stand in the table with their probability."""

PLANES = {"segmentation": "masks", "depth": "depths"}
"""The folder of each image's plane, by task."""

_MOST_DEPTH = 65_535


def columns(task: str, names: Sequence[str]) -> list[str]:
    """The head of a task's table.

    Args:
        task: its name.
        names: of classes or points.
    """
    if task in ("classification", "pose5"):
        more = range(2, min(BEST, len(names)) + 1)
        return ["path", "label", "probability",
                *(word for k in more for word in (f"label {k}", f"probability {k}"))]  # fmt: skip
    if task == "multilabel":
        return ["path", "label", *(f"probability of {name}" for name in names)]
    if task == "detection":
        return ["path", "label", "score", "x0", "y0", "x1", "y1"]
    if task == "segmentation":
        return ["path", "file", *(f"share of {name}" for name in names)]
    if task == "depth":
        return ["path", "file", "nearest", "median", "farthest"]
    if task == "keypoints":
        return ["path", *(f"{name}_{axis}" for name in names for axis in "xy")]
    return ["path", "w", "x", "y", "z"]


def rows(
    task: str, path: str, answer: Answer, names: Sequence[str], file: str = ""
) -> list[list[Any]]:
    """The rows of an image: one, or of detection one a box.

    Args:
        task: its name.
        path: the image's name.
        answer: to it, as the task's `answers` gives it.
        names: of classes or points.
        file: its plane, where there is one.
    """
    if task in ("classification", "pose5"):
        order = np.argsort(-answer, kind="stable")[:BEST]
        return [[path, *(word for c in order for word in (names[c], _rounded(answer[c])))]]
    if task == "multilabel":
        # A lone semicolon is an image that shows none of the classes.
        found = ";".join(name for name, p in zip(names, answer, strict=True) if p >= 0.5) or ";"
        return [[path, found, *map(_rounded, answer)]]
    if task == "detection":
        return [_box(path, answer, row, names) for row in np.flatnonzero(_kept(answer)).tolist()]
    if task == "segmentation":
        counts = np.bincount(answer.ravel(), minlength=len(names))
        return [[path, file, *(_rounded(count / answer.size) for count in counts)]]
    if task == "depth":
        middle = np.quantile(answer, [0.02, 0.5, 0.98])
        return [[path, file, *map(_rounded, middle)]]
    if task == "keypoints":
        return [[path, *(_rounded(value, 2) for value in answer[:, :2].ravel())]]
    return [[path, *(_rounded(value, 6) for value in answer)]]


def _box(path: str, answer: Detections, row: int, names: Sequence[str]) -> list[Any]:
    ends = (_rounded(value, 2) for value in answer.boxes[row])
    return [path, names[int(answer.labels[row])], _rounded(answer.scores[row]), *ends]


def _kept(answer: Detections) -> NDArray[np.bool_]:
    kept: NDArray[np.bool_] = answer.scores >= LEAST_SCORE
    return kept


def _rounded(value: float, places: int = 4) -> str:
    return f"{value:.{places}f}".rstrip("0").rstrip(".")


def plane_file(task: str, answer: NDArray[Any]) -> bytes:
    """An image's plane as a PNG: classes by number, or depths in 16 bits, 256 steps a meter."""
    values = answer
    if task == "depth":
        values = (answer * STEPS).round().clip(1, _MOST_DEPTH).astype(np.uint16)
    done, data = cv2.imencode(".png", values)
    assert done
    return data.tobytes()


def palette_file(names: Sequence[str]) -> str:
    """`palette.csv` of masks: names, their values in the files, and the colors of drawings."""
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["name", "index", "shown_red", "shown_green", "shown_blue"])
    for number, name in enumerate(names):
        table.writerow([name, number, *color(number)])
    return text.getvalue()
