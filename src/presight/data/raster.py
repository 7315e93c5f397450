"""Drawing for the scenes: polygons, textures, backgrounds, light and noise, on small canvases."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from presight.core.draw import Draw
from presight.data.source import Pixels

Floats = NDArray[np.float32]
Points = NDArray[np.float32]
"""[n, 2], x to the right and y down."""

_SHIFT = 4  # polygons are placed to a 16th of a pixel
_TILE = 256


def box(left: float, top: float, right: float, bottom: float, pinch: float = 1.0) -> Points:
    """A rectangle whose top is `pinch` times as wide as its bottom."""
    middle, half = (left + right) / 2, (right - left) / 2 * pinch
    corners = [(middle - half, top), (middle + half, top), (right, bottom), (left, bottom)]
    return np.array(corners, np.float32)


def triangle(left: float, top: float, right: float, bottom: float, lean: float = 0.0) -> Points:
    """A triangle that stands on its base; its tip leans to the right by `lean`."""
    tip = (left + right) / 2 + lean
    return np.array([(tip, top), (right, bottom), (left, bottom)], np.float32)


def disk(x: float, y: float, width: float, height: float, start: float = 0.0) -> Points:
    """An ellipse by its center and half axes; `start` = 0.5 leaves its upper half."""
    angles = np.linspace(start, 1.0, 20, dtype=np.float32) * np.float32(2 * np.pi)
    return np.stack([x + width * np.cos(angles), y + height * np.sin(angles)], 1)


def fill(canvas: Pixels, points: Points, color: Sequence[float]) -> None:
    """Fill a polygon, smooth at its edges; points in pixels."""
    fixed = np.rint(points * (1 << _SHIFT)).astype(np.int32)
    cv2.fillPoly(canvas, [fixed], tuple(float(c) for c in color), cv2.LINE_AA, _SHIFT)


@lru_cache(maxsize=4)
def grid(size: int) -> tuple[Floats, Floats]:
    """Columns x and rows y of the pixels' centers, [size, size] each, from -1 to 1."""
    axis = (np.arange(size, dtype=np.float32) + 0.5) * (2.0 / size) - 1.0
    x, y = np.meshgrid(axis, axis)
    return x, y


@lru_cache(maxsize=1)
def _tiles() -> tuple[Floats, Floats]:
    """Noise of unit variance, fine and smooth, repeated so that any crop fits."""
    draw = Draw(0, 0, torch.zeros(1, dtype=torch.long))
    fine = np.tile(draw.normal("tile", (_TILE, _TILE))[0].numpy(), (4, 4))
    smooth = cv2.GaussianBlur(fine, (0, 0), 6.0)[_TILE:, _TILE:]
    return fine, np.asarray(smooth / smooth.std(), np.float32)


def noise(size: int, u: Floats, *, smooth: bool = False) -> Floats:
    """A crop of fixed noise, [size, size], at a place that u [2] in [0, 1) decides."""
    tile = _tiles()[1 if smooth else 0]
    row, column = (int(value * _TILE) for value in u[:2])
    return tile[row : row + size, column : column + size]


def texture(size: int, u: Floats) -> Floats:
    """A pattern in [-1, 1], [size, size]: stripes, checks or blots; u [5] in [0, 1)."""
    if u[0] < 0.34:
        return np.clip(noise(size, u[1:], smooth=True), -1.0, 1.0)
    x, y = grid(size)
    angle, pitch = u[1] * np.float32(np.pi), 4.0 + 14.0 * u[2]
    along: Floats = np.sin(pitch * (np.cos(angle) * x + np.sin(angle) * y) + 6.3 * u[3])
    if u[0] < 0.67:
        return along
    across = np.sin(pitch * (np.cos(angle) * y - np.sin(angle) * x) + 6.3 * u[4])
    checks: Floats = np.sign(along * across)
    return checks


def background(size: int, u: Floats, feet: float) -> Floats:
    """Sky over ground, float [size, size, 3]: colors, gradient, textures by u [24] in [0, 1).

    The ground begins above `feet`, a height from -1 to 1, so that what stands there is on it.
    """
    _, y = grid(size)
    horizon = min(0.1 + 0.6 * float(u[0]), feet - 0.1)
    ground = np.clip((y - horizon) * (size / 4), 0.0, 1.0)[:, :, None]
    above = (50.0 + 205.0 * u[1:4]) * (1.0 - 0.35 * (y + 1.0)[:, :, None] * u[4])
    below = (20.0 + 190.0 * u[5:8]) * (1.0 - 0.3 * (1.0 - y)[:, :, None] * u[8])
    above += (20.0 * u[9]) * texture(size, u[10:15])[:, :, None]
    below += (10.0 + 25.0 * u[15]) * texture(size, u[16:21])[:, :, None]
    mixed: Floats = above + (below - above) * ground
    return mixed


def lit(image: Floats, u: Floats) -> Floats:
    """Light from one side and another brightness; u [3] in [0, 1)."""
    x, y = grid(len(image))
    angle = 6.3 * u[0]
    shade = 1.0 + 0.3 * u[1] * (np.cos(angle) * x + np.sin(angle) * y)
    lighter: Floats = image * (shade * (0.65 + 0.6 * u[2]))[:, :, None]
    return lighter
