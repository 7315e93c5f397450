"""Rows of a CSV file, each with its image."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from presight.data.labels.annotated import Names
from presight.data.labels.problems import Problem
from presight.data.table import Row

IMAGE_COLUMNS = ("path", "image", "file", "filename")


def image_name(row: Row) -> str:
    """The image that a row names."""
    return next((row.cells[column] for column in IMAGE_COLUMNS if column in row.cells), "")


def named_rows(
    path: Path, rows: Sequence[Row], names: Names, problems: list[Problem]
) -> Iterator[tuple[int, Row, str]]:
    """Rows of images that are there: the image, the row, its place."""
    for row in rows:
        place = f"{path.name}, line {row.line}"
        name = image_name(row)
        image = names.row(name)
        if not row.whole:
            problems.append(Problem(place, "row that is not as long as the header", "dropped"))
        elif image is None:
            problems.append(names.missing(name, place))
        else:
            yield image, row, place


def numbers(row: Row, columns: Sequence[str]) -> NDArray[np.float64] | None:
    """Numbers in some columns, NaN where a cell is empty; None where one is no number."""
    values = []
    for column in columns:
        text = row.cells[column]
        try:
            values.append(float(text) if text else math.nan)
        except ValueError:
            return None
    return np.array(values, dtype=np.float64)
