"""RandAugment's operations on one uint8 image, in place; numbers as in `rand_augment.OPS`."""

from __future__ import annotations

import math
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from presight.views import pixels

Image: TypeAlias = npt.NDArray[np.uint8]

_SOFT = np.array([[1, 1, 1], [1, 5, 1], [1, 1, 1]], np.float32) / 13.0
_LEVELS = np.arange(256)

MOVES = range(1, 6)
"""The ops that move pixels."""


def apply(image: Image, op: int, value: float) -> None:
    """One op.

    Args:
        image: uint8 [h,w,3].
        op: row of `OPS`.
        value: its parameter, in its own unit.
    """
    if op in MOVES:
        pixels.warp(image, _matrix(op, value))
    elif op in (6, 7, 8):
        (pixels.brightness, pixels.saturation, pixels.contrast)[op - 6](image, value)
    elif op == 9:
        _sharpness(image, value)
    elif op == 10:
        step = 2 ** (8 - round(value))
        pixels.look_up(image, _LEVELS // step * step)
    elif op == 11:
        over = value * 255.0 <= _LEVELS
        pixels.look_up(image, np.where(over, 255 - _LEVELS, _LEVELS))
    elif op in (12, 13):
        rule = _stretch if op == 12 else _flatten
        for channel in range(3):
            plane = np.ascontiguousarray(image[:, :, channel])
            image[:, :, channel] = rule(plane)[plane]


def _matrix(op: int, value: float) -> npt.NDArray[np.float64]:
    matrix = np.eye(2, 3)
    if op <= 2:
        matrix[op - 1, 2 - op] = -value
    elif op <= 4:
        matrix[op - 3, 2] = -value
    else:
        angle = math.radians(value)
        cos, sin = math.cos(angle), math.sin(angle)
        matrix[:, :2] = [[cos, sin], [-sin, cos]]
    return matrix


def _sharpness(image: Image, factor: float) -> None:
    soft = image.copy()
    soft[1:-1, 1:-1] = cv2.filter2D(image, -1, _SOFT)[1:-1, 1:-1]
    cv2.addWeighted(image, factor, soft, 1.0 - factor, 0.0, dst=image)


def _stretch(plane: Image) -> npt.NDArray[np.int_]:
    """The table that spreads a channel over 0..255."""
    low, high = int(plane.min()), int(plane.max())
    if low == high:
        return _LEVELS
    table: npt.NDArray[np.int_] = np.rint((_LEVELS - low) * (255.0 / (high - low))).astype(np.int_)
    return table.clip(0, 255)


def _flatten(plane: Image) -> npt.NDArray[np.int_]:
    """The table that flattens a channel's histogram, by PIL's rule."""
    histogram = np.bincount(plane.ravel(), minlength=256)
    last = int(np.flatnonzero(histogram)[-1])
    step = int(plane.size - histogram[last]) // 255
    if step == 0:
        return _LEVELS
    before = np.cumsum(histogram) - histogram
    table: npt.NDArray[np.int_] = ((before + step // 2) // step).clip(0, 255)
    return table
