"""CSV files: a header and rows, with the line of each."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from presight.data.source import shown
from presight.errors import DataError


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table.

    Args:
        line: where it ends in the file, from 1.
        cells: the text in each column, without spaces around; "" where the row is too short.
        whole: whether it has as many cells as the header.
    """

    line: int
    cells: dict[str, str]
    whole: bool


def read_table(path: Path, needed: tuple[str, ...], expected: str) -> list[Row]:
    """All rows of a CSV file with a header.

    Args:
        path: the file, UTF-8.
        needed: one of these columns must be there.
        expected: the header that is asked for, for the message.

    Raises:
        DataError: it cannot be read, has no rows, lacks the column, or has a column twice.
    """
    name = shown(str(path))
    try:
        with open(path, newline="", encoding="utf-8-sig", errors="surrogateescape") as file:
            reader = csv.DictReader(file)
            columns = [column.strip() for column in reader.fieldnames or ()]
            reader.fieldnames = columns
            rows = [_row(reader.line_num, cells) for cells in reader]
    except (OSError, csv.Error) as error:
        raise DataError(f"cannot read {name}: {error}") from error
    if not rows:
        raise DataError(f"{name} has no rows; expected a header {expected} and rows.")
    if not set(needed) & set(columns):
        found = ", ".join(shown(column) for column in columns)
        raise DataError(
            f"{name} has no column {' or '.join(needed)} (columns: {found}); expected {expected}."
        )
    twice = [column for column in columns if columns.count(column) > 1]
    if twice:
        raise DataError(f"{name} has the column {shown(twice[0])} twice; keep one.")
    return rows


def _row(line: int, cells: dict[str | None, str | list[str] | None]) -> Row:
    texts = {
        column: value.strip() if isinstance(value, str) else ""
        for column, value in cells.items()
        if column is not None
    }
    return Row(line, texts, None not in cells and None not in cells.values())
