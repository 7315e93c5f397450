"""Rows of a study on disk, one small file a cell, and the table that joins them. No torch."""

from __future__ import annotations

import base64
import csv
import dataclasses
import io
import json
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from presight.errors import IntegrityError
from presight.store import atomic
from presight.studies.cells import Arm, Cell, Row

LAYOUT = 1


def packed(influence: NDArray[np.float64]) -> str:
    """A score's parts by image as a word of float32, little-endian, deflated, base64."""
    return base64.b64encode(zlib.compress(influence.astype("<f4").tobytes(), 9)).decode()


def unpacked(word: str, n: int) -> NDArray[np.float32]:
    """float32 [n] of what `packed` gave.

    Raises:
        IntegrityError: it is no such word, or of another length.
    """
    try:
        held = np.frombuffer(zlib.decompress(base64.b64decode(word, validate=True)), "<f4")
    except (ValueError, zlib.error):
        held = np.empty(0, "<f4")
    if len(held) != n:
        raise IntegrityError(f"results by image are damaged: {len(held)} of {n} can be read.")
    return held


def write_row(path: Path, row: Row) -> None:
    """Write a cell's row, whole or not at all."""
    atomic.write_json(path, {"layout": LAYOUT, **dataclasses.asdict(row)})


def read_row(path: Path) -> Row:
    """The row of a cell's file.

    Raises:
        IntegrityError: damaged, or of another layout.
    """
    try:
        told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if told.pop("layout") != LAYOUT:
            raise KeyError
        cell = told.pop("cell")
        row = Row(Cell(**{**cell, "arm": Arm(**cell["arm"])}), **told)
        for word in row.influences.values():
            unpacked(word, row.n_test)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise IntegrityError(
            f"{path} is damaged or of another layout; delete it, and the study measures it again."
        ) from None
    return row


COLUMNS = (
    "method", "backbone", "images", "measured_on", "task", "stage", "mode", "n_labels", "seed",
    "metric", "value", "n_test", "seconds",
)  # fmt: skip


def table(rows: Sequence[Row]) -> list[dict[str, str | int | float]]:
    """A record for each metric of each row."""
    return [
        {
            "method": row.cell.arm.method,
            "backbone": row.cell.arm.backbone,
            "images": row.cell.arm.images,
            "measured_on": row.cell.measured_on,
            "task": row.cell.task,
            "stage": row.cell.stage,
            "mode": row.cell.mode,
            "n_labels": row.cell.n_labels,
            "seed": row.cell.seed,
            "metric": metric,
            "value": value,
            "n_test": row.n_test,
            "seconds": round(row.seconds, 2),
        }
        for row in rows
        for metric, value in row.values.items()
    ]


def write_table(path: Path, rows: Sequence[Row]) -> None:
    """Write all rows as a CSV with a header."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(table(rows))
    atomic.write_text(path, text.getvalue())
