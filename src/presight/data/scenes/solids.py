"""Building objects of solids: words for boxes, rods and wheels, and the numbers they are drawn by.

An object stands in its own frame: x to the front, y to the left, z up.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from presight.data.scenes.intersect import BOX, BRICK, CUSHION, ELLIPSOID, FRUSTUM, TORUS

Point = Sequence[float] | NDArray[np.float64]
Rows = NDArray[np.float32]
"""[parts, 15]: kind, parameter, shade, center (3), axes (3 x 3, row by row)."""

NO_SYMMETRY, HALF_TURN, ANY_TURN = range(3)
"""Turns about an object's upright axis that leave its shape as it is."""

DARK, GLASS, METAL = 0.4, 0.55, 0.75
"""Factors on the color of wheels and handles, of windows, of frames."""

_LEAST = 1e-4
_UPRIGHT = np.eye(3)


def turned(axis: str, angle: float) -> NDArray[np.float64]:
    """Rotation matrix about x, y or z, radians, counterclockwise seen from its tip."""
    cos, sin = math.cos(angle), math.sin(angle)
    if axis == "x":
        return np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]])
    if axis == "y":
        return np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
    return np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])


class Sculpture:
    """Parts of an object in the making.

    Args:
        numbers: uniform numbers in [0, 1), used in order.
    """

    def __init__(self, numbers: Sequence[float]) -> None:
        self._numbers: Iterator[float] = iter(numbers)
        self._parts: list[list[float]] = []

    def between(self, low: float, high: float) -> float:
        """A length, angle or the like."""
        return low + (high - low) * next(self._numbers)

    def whole(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return low + int((high - low + 1) * next(self._numbers))

    def chance(self, share: float) -> bool:
        """True in this share of the objects."""
        return next(self._numbers) < share

    def put(
        self,
        kind: int,
        center: Point,
        half: Point,
        *,
        frame: NDArray[np.float64] = _UPRIGHT,
        parameter: float = 1.0,
        shade: float = 1.0,
    ) -> None:
        """One solid: half sizes along the columns of `frame`, which may be sheared."""
        axes = frame * np.maximum(np.asarray(half, float), _LEAST)
        self._parts.append([kind, parameter, shade, *center, *axes.reshape(-1)])

    def box(
        self,
        center: Point,
        half: Point,
        frame: NDArray[np.float64] = _UPRIGHT,
        shade: float = 1.0,
    ) -> None:
        """A box with sharp edges."""
        self.put(BOX, center, half, frame=frame, shade=shade)

    def rounded(
        self,
        center: Point,
        half: Point,
        frame: NDArray[np.float64] = _UPRIGHT,
        *,
        soft: bool = False,
        shade: float = 1.0,
    ) -> None:
        """A box with round edges; a soft one swells like a cushion."""
        self.put(CUSHION if soft else BRICK, center, half, frame=frame, shade=shade)

    def ball(
        self,
        center: Point,
        half: Point,
        frame: NDArray[np.float64] = _UPRIGHT,
        shade: float = 1.0,
    ) -> None:
        """An ellipsoid."""
        self.put(ELLIPSOID, center, half, frame=frame, shade=shade)

    def post(
        self, center: Point, radius: float, half: float, *, top: float = 1.0, shade: float = 1.0
    ) -> None:
        """An upright cylinder, its top `top` times as wide as its foot."""
        half_sizes = (radius, radius, half)
        self.put(FRUSTUM, center, half_sizes, parameter=top, shade=shade)

    def rod(
        self, start: Point, end: Point, radius: float, *, tip: float = 1.0, shade: float = 1.0
    ) -> None:
        """A round rod between two points, `tip` times as wide at its end."""
        a, b = np.asarray(start, float), np.asarray(end, float)
        length = float(np.linalg.norm(b - a))
        along = (b - a) / length
        aside = np.array([0.0, 1.0, 0.0]) if abs(along[1]) < 0.9 else np.array([1.0, 0.0, 0.0])
        first = np.cross(aside, along)
        first /= np.linalg.norm(first)
        frame = np.stack([first, np.cross(along, first), along], 1)
        half = (radius, radius, length / 2)
        self.put(FRUSTUM, (a + b) / 2, half, frame=frame, parameter=tip, shade=shade)

    def disk(self, center: Point, radius: float, half: float, shade: float = 1.0) -> None:
        """A disk whose axis is y, such as a wheel's."""
        half_sizes = (radius, radius, half)
        self.put(FRUSTUM, center, half_sizes, frame=turned("x", math.pi / 2), shade=shade)

    def tire(self, center: Point, radius: float, tube: float, shade: float = 1.0) -> None:
        """A ring whose axis is y; the tube's radius is a share of the ring's."""
        ring = radius / (1 + tube)
        frame = turned("x", math.pi / 2)
        self.put(TORUS, center, (ring,) * 3, frame=frame, parameter=tube, shade=shade)

    def legs(
        self,
        half: tuple[float, float],
        top: float,
        radius: float,
        *,
        splay: float = 0.0,
        square: bool = False,
    ) -> None:
        """Four legs from the floor up, which stand further apart below by `splay`."""
        for x in (-half[0], half[0]):
            for y in (-half[1], half[1]):
                foot = (x + math.copysign(splay, x), y + math.copysign(splay, y), 0.0)
                if square and not splay:
                    self.box((x, y, top / 2), (radius, radius, top / 2))
                else:
                    self.rod(foot, (x, y, top), 0.75 * radius, tip=1.3)

    def finish(self) -> Rows:
        """The parts, the object's box around the origin and its longest side 1."""
        rows = np.array(self._parts, np.float64)
        tube = np.where(rows[:, 0] == TORUS, rows[:, 1], np.nan)
        half = np.ones((len(rows), 3))
        ring = ~np.isnan(tube)
        half[ring] = np.stack([1 + tube, 1 + tube, tube], 1)[ring]
        reach = (np.abs(rows[:, 6:].reshape(-1, 3, 3)) * half[:, None]).sum(2)
        low, high = (rows[:, 3:6] - reach).min(0), (rows[:, 3:6] + reach).max(0)
        scale = 1 / (high - low).max()
        rows[:, 3:6] = (rows[:, 3:6] - (low + high) / 2) * scale
        rows[:, 6:] *= scale
        return rows.astype(np.float32)
