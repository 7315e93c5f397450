"""How objects are turned, from a CSV file of quaternions."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from presight.data.labels.annotated import Annotated, Names
from presight.data.labels.problems import Problem
from presight.data.labels.rows import IMAGE_COLUMNS, image_name, named_rows, numbers
from presight.data.source import shown
from presight.data.stored import Stored
from presight.data.table import read_table
from presight.data.targets import RotationTarget
from presight.errors import DataError

EXPECTED = "path,w,x,y,z"
_COLUMNS = (("w", "x", "y", "z"), ("qw", "qx", "qy", "qz"))
_ROUNDING = 0.01


def rotations(path: Path, stored: Stored) -> Annotated[RotationTarget]:
    """Turns from object to world, as unit quaternions; q and -q are one turn.

    Lengths within 0.01 of 1 are taken for rounding and made 1; others are dropped, because a
    wrong length most often means that the columns are something else.

    Args:
        path: with the columns path, w, x, y, z, or path, qw, qx, qy, qz.
        stored: the images.

    Raises:
        DataError: no such columns, no usable row, or two turns of one image.
    """
    rows = read_table(path, IMAGE_COLUMNS, EXPECTED)
    columns = next((names for names in _COLUMNS if set(names) <= rows[0].cells.keys()), None)
    if columns is None:
        told = ", ".join(shown(column) for column in rows[0].cells)
        raise DataError(
            f"{shown(str(path))} has no columns w, x, y, z (columns: {told}); expected {EXPECTED}."
        )
    names, problems = Names(stored), list[Problem]()
    found: dict[int, RotationTarget] = {}
    lines: dict[int, int] = {}
    for image, row, place in named_rows(path, rows, names, problems):
        values = numbers(row, columns)
        if values is None or not np.isfinite(values).all():
            problems.append(Problem(place, "quaternion that is not four numbers", "dropped"))
            continue
        length = float(np.linalg.norm(values))
        if abs(length - 1) > _ROUNDING:
            problems.append(Problem(place, "quaternion whose length is not 1", "dropped"))
            continue
        unit = (values / length * (-1 if values[0] < 0 else 1)).astype(np.float32)
        if image not in found:
            found[image], lines[image] = RotationTarget(unit), row.line
        elif np.allclose(found[image].quaternion, unit, atol=1e-6):
            problems.append(Problem(place, "the same row again", "dropped"))
        else:
            raise DataError(
                f"{shown(str(path))}, lines {lines[image]} and {row.line}: two turns of "
                f"{shown(image_name(row))}. Keep one; an image has one object here."
            )
    names.require(found, str(path), image_name(rows[0]), problems)
    return Annotated(stored, found, found.__getitem__, task="pose", problems=problems)
