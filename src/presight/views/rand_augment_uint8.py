"""RandAugment's operations on one uint8 image; numbers as in `rand_augment.OPS`."""

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


def apply(image: Image, op: int, value: float) -> Image:
    """The image after one op.

    Args:
        image: uint8 [h,w,3].
        op: row of `OPS`.
        value: its parameter, in its own unit.
    """
    if 1 <= op <= 5:
        return pixels.warp(image, _matrix(op, value))
    if op in (6, 7, 8):
        mix = (pixels.brightness, pixels.saturation, pixels.contrast)[op - 6]
        return mix(image, value)
    if op == 9:
        return _sharpness(image, value)
    if op == 10:
        step = 2 ** (8 - round(value))
        return _table(image, _LEVELS // step * step)
    if op == 11:
        return _table(image, np.where(value * 255.0 <= _LEVELS, 255 - _LEVELS, _LEVELS))
    if op in (12, 13):
        rule = _stretch if op == 12 else _flatten
        return np.dstack([rule(image[:, :, c]) for c in range(3)])
    return image


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


def _table(image: Image, table: npt.NDArray[np.int_]) -> Image:
    return cv2.LUT(image, table.astype(np.uint8))  # type: ignore[return-value]


def _sharpness(image: Image, factor: float) -> Image:
    soft = image.copy()
    soft[1:-1, 1:-1] = cv2.filter2D(image, -1, _SOFT)[1:-1, 1:-1]
    return cv2.addWeighted(image, factor, soft, 1.0 - factor, 0.0)  # type: ignore[return-value]


def _stretch(channel: Image) -> Image:
    low, high = int(channel.min()), int(channel.max())
    if low == high:
        return channel
    table = np.rint((_LEVELS - low) * (255.0 / (high - low))).clip(0, 255)
    return _table(channel, table.astype(np.int_))


def _flatten(channel: Image) -> Image:
    histogram = np.bincount(channel.ravel(), minlength=256)
    used = np.flatnonzero(histogram)
    step = (channel.size - histogram[used[-1]]) // 255
    if step == 0:
        return channel
    before = np.cumsum(histogram) - histogram
    return _table(channel, ((before + step // 2) // step).clip(0, 255))
