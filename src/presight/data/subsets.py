"""Which rows are labelled and which are held out: pure functions of labels, names and a seed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from presight.core.draw import key_of
from presight.errors import DataError, UsageError

Rows = NDArray[np.int64]


def _ranked(labels: Rows, seed: int, identities: Sequence[str] | None) -> dict[int, Rows]:
    """Each class's rows in an order that depends on the seed and on names or numbers only."""
    names: Sequence[str | int] = range(len(labels)) if identities is None else identities
    keys = np.array([key_of(seed, "subset", name) for name in names], dtype=np.uint64)
    order = np.argsort(keys, kind="stable")
    return {int(label): order[labels[order] == label] for label in np.unique(labels)}


def holdout(
    labels: Rows, fraction: float, seed: int, identities: Sequence[str] | None = None
) -> tuple[Rows, Rows]:
    """Two parts of some rows, each class divided alike.

    With identities a row's part hangs on its name, so that another order changes nothing.

    Args:
        labels: int64 [N], classes.
        fraction: share that is held out, in (0, 1).
        seed: other seeds, other parts.
        identities: [N], names of the rows.

    Returns:
        train rows and held-out rows, ascending, together each row once. A class of two or more
        rows is in both.

    Raises:
        UsageError: a fraction out of range.
        DataError: nothing would be held out.
    """
    if not 0 < fraction < 1:
        raise UsageError(f"a held-out fraction of {fraction:g}; between 0 and 1 was expected.")
    held = []
    for rows in _ranked(labels, seed, identities).values():
        count = min(max(round(fraction * len(rows)), 1), len(rows) - 1)
        held.append(rows[:count])
    chosen = np.sort(np.concatenate(held)) if held else np.zeros(0, np.int64)
    if not len(chosen):
        raise DataError("no class has two rows or more: nothing can be held out. Add images.")
    return np.setdiff1d(np.arange(len(labels)), chosen), chosen


def nested(
    labels: Rows,
    per_class: Sequence[int],
    seed: int,
    identities: Sequence[str] | None = None,
) -> list[Rows]:
    """Subsets with so many rows a class, each containing the smaller ones.

    Args:
        labels: int64 [N], classes.
        per_class: rows a class, each at least 1.
        seed: other seeds, other rows.
        identities: [N], names of the rows.

    Returns:
        rows of each subset, ascending; a smaller class gives all it has.

    Raises:
        UsageError: a number below 1.
    """
    if any(count < 1 for count in per_class):
        raise UsageError(f"{min(per_class)} labels a class; 1 or more were expected.")
    ranked = _ranked(labels, seed, identities)
    return [
        np.sort(np.concatenate([rows[:count] for rows in ranked.values()])) for count in per_class
    ]
