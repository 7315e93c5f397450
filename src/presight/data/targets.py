"""What labelled images show, one frozen dataclass a task.

Pixels count from the upper left corner of the upright image: the pixel at row r and column c covers
[c, c + 1) x [r, r + 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

IGNORE = 255
"""In a mask: this pixel counts neither way."""


@dataclass(frozen=True, slots=True)
class ClassTarget:
    """A class: a number into the source's `classes`."""

    label: int


@dataclass(frozen=True, slots=True, eq=False)
class MultiClassTarget:
    """Any number of classes.

    Args:
        present: bool [C], which of the source's `classes` the image shows.
    """

    present: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class BoxesTarget:
    """Objects in boxes, none of which is empty or reaches over the image's edge.

    Args:
        boxes: float32 [n, 4], x0, y0, x1, y1 in pixels, half-open: width is x1 - x0.
        labels: int64 [n], into the source's `classes`.
        crowd: bool [n], found or not counts neither way: COCO's iscrowd, VOC's difficult.
        area: float32 [n], pixels: of the object's outline where it is known, else of its box.
    """

    boxes: NDArray[np.float32]
    labels: NDArray[np.int64]
    crowd: NDArray[np.bool_]
    area: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class MaskTarget:
    """A class for each pixel.

    Args:
        mask: uint8 [h, w], into the source's `classes`; 255 counts neither way.
    """

    mask: NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class DepthTarget:
    """A depth for each pixel.

    Args:
        depth: float32 [h, w], meters along the optical axis; 0 where it is not known.
    """

    depth: NDArray[np.float32]

    @property
    def valid(self) -> NDArray[np.bool_]:
        """Bool [h, w], where the depth is known."""
        known: NDArray[np.bool_] = np.isfinite(self.depth) & (self.depth > 0)
        return known


@dataclass(frozen=True, slots=True, eq=False)
class KeypointsTarget:
    """Named points of each object, at least one of them known.

    Args:
        points: float32 [n, k, 2], x and y in pixels; 0 where not visible.
        visible: bool [n, k], known and within the image, also where something is in front of it
            (COCO's v > 0).
        area: float32 [n], pixels, > 0: of the object's outline where it is known, else of the box
            around its visible points.
        names: k names.
    """

    points: NDArray[np.float32]
    visible: NDArray[np.bool_]
    area: NDArray[np.float32]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class RotationTarget:
    """How an object is turned.

    Args:
        quaternion: float32 [4], w, x, y, z, unit, w >= 0: object's frame to world.
        symmetry: turns about the object's z axis that leave it as it is: 0 none, 1 half a turn,
            2 any.
    """

    quaternion: NDArray[np.float32]
    symmetry: int = 0


Target: TypeAlias = (
    ClassTarget
    | MultiClassTarget
    | BoxesTarget
    | MaskTarget
    | DepthTarget
    | KeypointsTarget
    | RotationTarget
)

T_co = TypeVar("T_co", bound=Target, covariant=True)
"""What a labelled source gives."""
