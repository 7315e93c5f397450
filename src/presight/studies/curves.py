"""Rows of a study in the shape that statistics want: repetitions by curves by test images."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from presight.errors import UsageError
from presight.studies.cells import Arm, Mode, Row
from presight.studies.rows import unpacked

Curve = tuple[Arm, Mode]
_Place = tuple[Arm, Mode, int, int]


@dataclasses.dataclass(frozen=True)
class Curves:
    """Rows of a task on a world.

    Args:
        curves: an arm in a mode each.
        labels: numbers of labels that all curves have.
        seeds: repetitions that are whole.
        parts: float32 [S, K L, n], score's part by test image; curve k has the L columns from k L.
    """

    curves: Sequence[Curve]
    labels: Sequence[int]
    seeds: Sequence[int]
    parts: NDArray[np.float32]


def by_task(rows: Sequence[Row]) -> dict[tuple[str, str], list[Row]]:
    """Rows of each task on each world, by the world's name and the task's, in their order."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        found.setdefault((row.cell.measured_on, row.cell.task), []).append(row)
    return found


def curves_of(rows: Sequence[Row], metric: str) -> Curves:
    """Stack the rows of one task on one world.

    Repetitions that are not whole are left out, and so are numbers of labels that some curves lack,
    such as that of maximal supervision.

    Args:
        rows: those of single stages are left out.
        metric: its name.

    Raises:
        UsageError: no repetition is whole.
    """
    held: dict[_Place, Row] = {}
    for row in rows:
        cell = row.cell
        if not cell.stage:
            held[cell.arm, cell.mode, cell.n_labels, cell.seed] = row
    curves = list(dict.fromkeys((arm, mode) for arm, mode, *_ in held))
    there = {(arm, mode, n) for arm, mode, n, _ in held}
    labels = [n for n in sorted({n for *_, n, _ in held})
              if all((*curve, n) in there for curve in curves)]  # fmt: skip
    seeds = [seed for seed in sorted({seed for *_, seed in held})
             if all((*curve, n, seed) in held for curve in curves for n in labels)]  # fmt: skip
    if not labels or not seeds:
        raise UsageError("no repetition of the study has all its cells yet.")
    columns = [(*curve, n) for curve in curves for n in labels]
    stacked = [[_parts(held[(*column, seed)], metric) for column in columns] for seed in seeds]
    return Curves(curves, labels, seeds, np.asarray(stacked, np.float32))


def _parts(row: Row, metric: str) -> NDArray[np.float32]:
    return unpacked(row.influences[metric], row.n_test)
