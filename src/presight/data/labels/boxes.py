"""Boxes as labels give them to boxes that can be learned from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from presight.data.labels.problems import Problem
from presight.data.targets import BoxesTarget

_LEAST = 1.0  # pixels; a thinner box cannot hold a pixel


@dataclass
class Boxes:
    """The boxes of one image, one after the other.

    Args:
        height, width: of the image, pixels.
    """

    height: int
    width: int
    corners: list[tuple[float, float, float, float]] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    crowd: list[bool] = field(default_factory=list)
    area: list[float] = field(default_factory=list)
    _seen: set[tuple[float, ...]] = field(default_factory=set)

    def add(
        self,
        corners: Sequence[float],
        label: int,
        problems: list[Problem],
        place: str,
        *,
        crowd: bool = False,
        area: float | None = None,
    ) -> None:
        """Take a box: cut at the image's edge, dropped where nothing is left.

        Args:
            corners: x0, y0, x1, y1, half-open.
            label: its class.
            problems: gets what is wrong with it.
            place: file and row.
            crowd: counts neither way.
            area: of the object, pixels; None takes that of the box.
        """
        x0, y0, x1, y1 = corners
        inner = (_within(x0, self.width), _within(y0, self.height),
                 _within(x1, self.width), _within(y1, self.height))  # fmt: skip
        wide, high = inner[2] - inner[0], inner[3] - inner[1]
        if not all(math.isfinite(number) for number in corners):
            problems.append(Problem(place, "box with a number that is not finite", "dropped"))
        elif x1 <= x0 or y1 <= y0:
            problems.append(Problem(place, "box without an area", "dropped"))
        elif wide <= 0 or high <= 0:
            problems.append(Problem(place, "box outside the image", "dropped"))
        elif wide < _LEAST or high < _LEAST:
            problems.append(Problem(place, "box less than a pixel wide or high", "dropped"))
        elif (label, *inner) in self._seen:
            problems.append(Problem(place, "the same box again", "dropped"))
        else:
            if inner != tuple(corners):
                problems.append(Problem(place, "box over the image's edge", "cut"))
            if area is not None and not 0 < area < math.inf:
                problems.append(Problem(place, "area that is not positive", "taken from the box"))
                area = None
            self._seen.add((label, *inner))
            self.corners.append(inner)
            self.labels.append(label)
            self.crowd.append(crowd)
            self.area.append(wide * high if area is None else area)

    def target(self) -> BoxesTarget:
        """All of them."""
        return BoxesTarget(
            np.array(self.corners, dtype=np.float32).reshape(-1, 4),
            np.array(self.labels, dtype=np.int64),
            np.array(self.crowd, dtype=np.bool_),
            np.array(self.area, dtype=np.float32),
        )


def _within(number: float, end: int) -> float:
    return min(max(float(number), 0.0), float(end))
