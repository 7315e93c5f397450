"""Outlines and runs to masks."""

from __future__ import annotations

import importlib
import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from presight.errors import Unavailable


def filled(polygon: Sequence[float], height: int, width: int) -> NDArray[np.bool_]:
    """The pixels whose centers lie within an outline, bool [h, w]; where it overlaps itself, not.

    Each row of centers crosses the outline an even number of times and is inside between an odd
    crossing and the next.

    Args:
        polygon: x0, y0, x1, y1, ... in pixels, closed by itself.
        height: of the mask, pixels.
        width: of the mask, pixels.
    """
    corners = np.asarray(polygon, dtype=np.float64).reshape(-1, 2)
    toggled = np.zeros((height, width + 1), dtype=np.uint8)
    for (xa, ya), (xb, yb) in zip(corners, np.roll(corners, -1, 0), strict=True):
        low, high = min(ya, yb), max(ya, yb)
        first = math.ceil(min(max(low, 0.0), height) - 0.5)
        last = math.ceil(min(max(high, 0.0), height) - 0.5)
        if last <= first:
            continue
        rows = np.arange(first, last)
        across = xa + (rows + 0.5 - ya) * ((xb - xa) / (yb - ya))
        columns = np.ceil(np.clip(across, 0.0, width) - 0.5).astype(np.int64)
        toggled[rows, columns] ^= 1  # each row once an edge
    inside: NDArray[np.bool_] = np.bitwise_xor.accumulate(toggled, axis=1)[:, :width] > 0
    return inside


def unrolled(counts: Sequence[int], height: int, width: int) -> NDArray[np.bool_]:
    """COCO's runs, bool [h, w]: lengths of outside and inside in turn, column by column."""
    lengths = np.asarray(counts, dtype=np.int64)
    values = np.arange(len(lengths)) % 2 == 1
    flat: NDArray[np.bool_] = np.repeat(values, lengths).reshape(width, height).T
    return flat


def unpacked(counts: str, height: int, width: int) -> NDArray[np.bool_]:
    """COCO's runs written as a string, bool [h, w].

    Raises:
        Unavailable: pycocotools is not installed.
        ValueError: the runs do not fill the mask.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of NumPy, about pycocotools itself
        mask = runs_reader().decode({"size": [height, width], "counts": counts.encode()})
    return np.asarray(mask, dtype=np.bool_)


def runs_reader() -> Any:
    """pycocotools.mask.

    Raises:
        Unavailable: it is not installed.
    """
    try:
        return importlib.import_module("pycocotools.mask")
    except ImportError:
        raise Unavailable(
            'masks written as RLE strings need the extra "tasks": pip install "presight[tasks]"'
        ) from None
