"""Named points: what is usable of them, and a CSV file of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from presight.data.labels.annotated import Annotated, Names
from presight.data.labels.problems import Problem
from presight.data.labels.rows import IMAGE_COLUMNS, image_name, named_rows, numbers
from presight.data.source import Header, shown
from presight.data.stored import Stored
from presight.data.table import read_table
from presight.data.targets import KeypointsTarget
from presight.errors import DataError

EXPECTED = "path,x0,y0,x1,y1 or path,NOSE_x,NOSE_y"


class Points:
    """The objects of one image.

    Args:
        header: of the image.
        names: of the points.
    """

    def __init__(self, header: Header, names: Sequence[str]) -> None:
        self.header, self.names = header, tuple(names)
        self.points: list[NDArray[np.float32]] = []
        self.visible: list[NDArray[np.bool_]] = []
        self.area: list[float] = []

    def add(
        self,
        points: NDArray[np.float64],
        labelled: NDArray[np.bool_],
        problems: list[Problem],
        place: str,
        area: float | None = None,
    ) -> None:
        """Take an object with at least one point within the image.

        Args:
            points: [k, 2], x and y in pixels; NaN where not known.
            labelled: bool [k], which of them are meant.
            problems: gets what is wrong with them.
            place: file and row.
            area: of the object, pixels; None takes the box around its points.
        """
        ends = (self.header.width, self.header.height)
        with np.errstate(invalid="ignore"):
            inside = ((points >= 0) & (points <= ends)).all(1)
        outside = int((labelled & ~inside).sum())
        if outside:
            problems.append(Problem(place, "keypoint outside the image", "not visible", outside))
        visible = labelled & inside
        if not visible.any():
            problems.append(Problem(place, "object without a visible keypoint", "dropped"))
            return
        kept = np.where(visible[:, None], points, 0.0).astype(np.float32)
        if any(np.array_equal(kept, other) for other in self.points):
            problems.append(Problem(place, "the same keypoints again", "dropped"))
            return
        if area is None or not 0 < area < np.inf:
            wide, high = np.ptp(points[visible], axis=0)
            area = max(float(wide * high), 1.0)
        self.points.append(kept)
        self.visible.append(visible)
        self.area.append(area)

    def target(self) -> KeypointsTarget:
        """All of them."""
        points, visible = np.stack(self.points), np.stack(self.visible)
        return KeypointsTarget(points, visible, np.array(self.area, np.float32), self.names)


def keypoints(path: Path, stored: Stored) -> Annotated[KeypointsTarget]:
    """Points of a CSV file: a row an object, two columns a point, empty where it is not known.

    Args:
        path: with the columns path and x0, y0, x1, y1, ... or NAME_x, NAME_y, ..., in pixels.
        stored: the images.

    Raises:
        DataError: no such columns, or no usable row.
    """
    rows = read_table(path, IMAGE_COLUMNS, EXPECTED)
    pairs = _pairs(list(rows[0].cells), path)
    names, problems = Names(stored), list[Problem]()
    found: dict[int, Points] = {}
    for image, row, place in named_rows(path, rows, names, problems):
        flat = numbers(row, [column for pair in pairs.values() for column in pair])
        if flat is None:
            problems.append(Problem(place, "cell that is no number", "dropped with its row"))
            continue
        points = flat.reshape(-1, 2)
        made = found.setdefault(image, Points(stored.headers[image], list(pairs)))
        made.add(points, np.asarray(np.isfinite(points).all(1)), problems, place)
    usable = {image: made.target() for image, made in found.items() if made.points}
    names.require(usable, str(path), image_name(rows[0]), problems)
    return Annotated(stored, usable, usable.__getitem__, task="keypoints", problems=problems)


def _pairs(columns: list[str], path: Path) -> dict[str, tuple[str, str]]:
    """The points' names, and the columns of each."""
    pairs = {}
    for column in columns:
        for x, y, name in (
            ("x" + column[1:], "y" + column[1:], column[1:]),
            (column, column[:-2] + "_y", column[:-2]),
        ):
            fits = column == x and (column[:1] == "x" or column.endswith("_x"))
            if fits and name and y in columns:
                pairs[name] = (x, y)
    if not pairs:
        told = ", ".join(shown(column) for column in columns[:8])
        raise DataError(
            f"{shown(str(path))} has no pairs of columns for points (columns: {told}); "
            f"expected {EXPECTED}."
        )
    return pairs
