"""From the values or colors of mask files to classes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from presight.data.labels.planes import Plane
from presight.data.source import shown
from presight.data.table import Row, read_table
from presight.data.targets import IGNORE
from presight.errors import DataError

NAME = "palette.csv"
EXPECTED = "name,index or name,red,green,blue"
_COLORS = (("red", "green", "blue"), ("r", "g", "b"))
_VALUES = 1 << 16


@dataclass(frozen=True)
class Palette:
    """The classes of masks, and how the files say them.

    Args:
        classes: their names.
        values: for each class its value in the files; none where colors say it.
        colors: for each class its color, 256 * (256 * red + green) + blue; or none.
    """

    classes: tuple[str, ...]
    values: tuple[int, ...] = ()
    colors: tuple[int, ...] = ()

    def applied(self, plane: Plane) -> NDArray[np.uint8]:
        """Classes, uint8 [h, w]; 255 where the palette does not know what the file says."""
        values = plane.values
        if not self.colors:
            table = np.full(_VALUES, IGNORE, dtype=np.uint8)
            table[list(self.values)] = np.arange(len(self.values))
            held: NDArray[np.uint8] = table[np.clip(values, 0, _VALUES - 1)]
            return held
        if values.ndim == 2 and plane.palette is not None:
            palette = np.zeros((256, 3), dtype=np.uint8)
            palette[: len(plane.palette)] = plane.palette
            values = palette[values]
        if values.ndim == 2:
            values = np.repeat(values[..., None], 3, axis=2)
        code = codes(values)
        order = np.argsort(self.colors)
        known = np.array(self.colors)[order]
        place = np.searchsorted(known, code).clip(max=len(known) - 1)
        found: NDArray[np.uint8] = np.where(known[place] == code, order[place], IGNORE).astype(
            np.uint8
        )
        return found


def codes(colors: NDArray[Any]) -> NDArray[np.int64]:
    """Colors [..., 3] as one number each."""
    wide = colors.astype(np.int64)
    code: NDArray[np.int64] = (wide[..., 0] * 256 + wide[..., 1]) * 256 + wide[..., 2]
    return code


def read_palette(path: Path) -> Palette:
    """A palette from a CSV file: a row a class, with its value or its color.

    Without either, the rows are the values 0, 1, 2, ...; a value that no row has is left out of
    learning and of scores.

    Args:
        path: with the columns name and index, or name, red, green and blue (or r, g, b).

    Raises:
        DataError: damaged, values out of range, or a name, value or color twice.
    """
    rows = read_table(path, ("name",), EXPECTED)
    cells = rows[0].cells
    colored = next((names for names in _COLORS if set(names) <= cells.keys()), None)
    classes = tuple(row.cells["name"] for row in rows)
    if colored is not None:
        colors = tuple(
            int(codes(np.array([_number(path, row, each, 255) for each in colored])))
            for row in rows
        )
        made = Palette(classes, colors=colors)
    elif "index" in cells:
        made = Palette(classes, tuple(_number(path, row, "index", _VALUES - 1) for row in rows))
    else:
        made = Palette(classes, tuple(range(len(rows))))
    said = made.colors or made.values
    if len(classes) > IGNORE or "" in classes or len(set(classes)) < len(classes):
        raise DataError(f"{shown(str(path))}: up to 255 classes, each with its own name, expected.")
    if len(set(said)) < len(said):
        raise DataError(f"{shown(str(path))} gives two classes the same value or color.")
    return made


def _number(path: Path, row: Row, column: str, most: int) -> int:
    text = row.cells[column]
    if not (text.isascii() and text.isdigit() and int(text) <= most):
        raise DataError(
            f"{shown(str(path))}, line {row.line}: {column} is {shown(text)!r}; a whole number "
            f"from 0 to {most} was expected."
        )
    return int(text)
