"""Pose labels from an object's rotation and place."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from presight.data.scenes.vectors import dot, rotation, times_transposed

_UPRIGHT = math.cos(math.pi / 8)


def viewpoint(quaternion: Tensor, position: Tensor, place: Tensor) -> Tensor:
    """Azimuth and elevation [2, n], radians, of the camera as seen from each object's frame.

    Args:
        quaternion: [4, n], object to world.
        position: [3, n], the objects' centers.
        place: [3], the camera's.

    Returns:
        Azimuth in (-pi, pi], 0 in front of the object and growing to its left; elevation in
        [-pi / 2, pi / 2].
    """
    seen = times_transposed(rotation(quaternion), place[:, None] - position).double()
    distance = dot(seen, seen).sqrt()
    angles = torch.stack([torch.atan2(seen[1], seen[0]), torch.asin(seen[2] / distance)])
    return angles.float()  # rounded once, whichever routine computed it


def matrices(quaternions: Tensor) -> Tensor:
    """Matrices [n, 3, 3] of unit quaternions [n, 4]; columns are the object's axes in the world."""
    return rotation(quaternions.mT).permute(2, 0, 1)


def five_poses(quaternion: Tensor) -> Tensor:
    """0 upright within 22.5 degrees, else 1 to 4: which way it leans, int64 [n].

    1 leans towards +x within 45 degrees, 2 towards +y, 3 towards -x, 4 towards -y, in the world.
    """
    up = rotation(quaternion)[:, 2]
    direction = torch.atan2(up[1], up[0])
    quarter = torch.floor((direction + math.pi / 4) / (math.pi / 2)).long() % 4
    return torch.where(up[2] > _UPRIGHT, torch.zeros_like(quarter), quarter + 1)
