"""Any number of classes an image, from a CSV file path,label;label."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from presight.data.labels.annotated import Annotated, Names
from presight.data.labels.problems import Problem
from presight.data.labels.rows import IMAGE_COLUMNS, image_name, named_rows
from presight.data.source import shown
from presight.data.stored import Stored
from presight.data.table import read_table
from presight.data.targets import MultiClassTarget
from presight.errors import DataError

EXPECTED = "path,label"
_BETWEEN = ";"


def multilabel(path: Path, stored: Stored) -> Annotated[MultiClassTarget]:
    """Classes with semicolons between; an empty cell is an image that is not labelled.

    A lone semicolon says that the image shows none of the classes.

    Args:
        path: with the columns path and label.
        stored: the images.

    Raises:
        DataError: no such columns, no usable row, two rows of one image that differ, or classes
            that all images show.
    """
    rows = read_table(path, IMAGE_COLUMNS, EXPECTED)
    if "label" not in rows[0].cells:
        told = ", ".join(shown(column) for column in rows[0].cells)
        raise DataError(
            f"{shown(str(path))} has no column label (columns: {told}); expected {EXPECTED}, with "
            "semicolons between an image's labels."
        )
    names, problems = Names(stored), list[Problem]()
    found: dict[int, frozenset[str]] = {}
    lines: dict[int, int] = {}
    for image, row, place in named_rows(path, rows, names, problems):
        text = row.cells["label"]
        if not text:
            problems.append(Problem(place, "empty label", "left out"))
            continue
        listed = [part.strip() for part in text.split(_BETWEEN) if part.strip()]
        shows = frozenset(listed)
        if len(shows) < len(listed):
            problems.append(Problem(place, "label named twice", "taken once"))
        if image not in found:
            found[image], lines[image] = shows, row.line
        elif found[image] == shows:
            problems.append(Problem(place, "the same row again", "dropped"))
        else:
            raise DataError(
                f"{shown(str(path))}, lines {lines[image]} and {row.line}: different labels of "
                f"{shown(image_name(row))}. Put all of them into one row, with ; between."
            )
    names.require(found, str(path), image_name(rows[0]), problems)
    classes = sorted(frozenset[str]().union(*found.values()))
    _told_apart(path, found, classes, problems)
    targets = {
        image: MultiClassTarget(np.array([name in shows for name in classes], dtype=np.bool_))
        for image, shows in found.items()
    }
    return Annotated(stored, targets, targets.__getitem__,
                     task="multilabel", classes=classes, problems=problems)  # fmt: skip


def _told_apart(
    path: Path, found: dict[int, frozenset[str]], classes: list[str], problems: list[Problem]
) -> None:
    """Note classes that all images show; stop where there are no others."""
    always = [name for name in classes if all(name in shows for shows in found.values())]
    for name in always:
        problems.append(Problem(f"{path.name}, {name}", "class that all images show", "kept"))
    if len(always) == len(classes):
        named = shown(classes[0]) if classes else "no class at all"
        raise DataError(
            f"{shown(str(path))}: nothing tells the images apart, all show {named}. Give images "
            "that do and images that do not; a lone ; says that an image shows no class."
        )
