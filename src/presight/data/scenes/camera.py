"""The camera: a pinhole at a fixed place that looks at the scene's center.

World: right-handed, +z up, units called meters. Camera frame: x to the right, y up, z backward, so
what is seen has negative z and a surface that faces the camera a normal with positive z.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from presight.data.scenes.vectors import cross, unit

PLACE = (1.65, 0.0, 0.62)
FOCAL = 2.9
SINGLE_FILL = 1.35


@dataclass(frozen=True)
class Camera:
    """A pinhole.

    Args:
        place: [3], world.
        axes: [3, 3], columns are the directions right, up and backward in the world.
        focal: x_image = focal * x / depth, where the image reaches from -1 to 1.
    """

    place: Tensor
    axes: Tensor
    focal: float

    def project(self, point: Tensor, size: int) -> Tensor:
        """World points [3, n] to [3, n]: column and row in pixels, depth along the optical axis.

        (0, 0) is the image's upper left corner; the center of its first pixel is (0.5, 0.5).
        """
        seen = (self.axes.T[:, :, None] * (point - self.place[:, None])[None]).sum(1)
        depth = -seen[2]
        column = (seen[0] / depth * self.focal + 1) * (size / 2)
        row = (1 - seen[1] / depth * self.focal) * (size / 2)
        return torch.stack([column, row, depth])


def camera(objects: int, *, roll: float = 0.0, device: torch.device | None = None) -> Camera:
    """The camera of scenes with so many objects.

    Args:
        objects: a single one is seen through the longer lens.
        roll: turn about the optical axis, radians; the picture turns counterclockwise.
        device: where its tensors live.
    """
    place = torch.tensor(PLACE, device=device)
    back = unit(place)
    right = unit(cross(torch.tensor([0.0, 0.0, 1.0], device=device), back))
    up = cross(back, right)
    cos, sin = math.cos(roll), math.sin(roll)
    axes = torch.stack([cos * right - sin * up, sin * right + cos * up, back], 1)
    return Camera(place, axes, FOCAL * (SINGLE_FILL if objects == 1 else 1.0))
