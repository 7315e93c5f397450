"""Turns in space: how far two are apart, and the steps between six numbers, matrix, quaternion.

Quaternions are w, x, y, z, unit, and q and -q are one turn. A symmetry is a `RotationTarget`'s:
turns about the object's own z axis that leave it as it is, 0 none, 1 half a turn, 2 any.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from presight.data.scenes.vectors import compose

_SMALL = 1e-12
HALF, ANY = 1, 2


def degrees_apart(first: Tensor, second: Tensor, symmetry: Tensor | None = None) -> Tensor:
    """Geodesic distances [n] in degrees, in [0, 180]; the least over the objects' symmetries.

    For the relative turn w, x, y, z it is 2 atan2(|x, y, z|, |w|), exactly 0 for equal turns; an
    arccosine would be off by up to 0.04 degrees there. Half a turn more about z exchanges |w|
    and |z|, and the best of any turn about z joins the two.

    Args:
        first: quaternions [n, 4].
        second: quaternions [n, 4], of the objects that the symmetries are of.
        symmetry: int64 [n]; None is no symmetry.
    """
    opposite = first.mT * first.new_tensor([1.0, -1.0, -1.0, -1.0])[:, None]
    w, x, y, z = compose(opposite, second.mT).abs()
    if symmetry is None:
        symmetry = torch.zeros(len(first), dtype=torch.int64, device=first.device)
    least, most = torch.minimum(w, z), torch.maximum(w, z)
    about = torch.where(symmetry == HALF, least, torch.where(symmetry == ANY, 0.0, z))
    still = torch.where(symmetry == HALF, most, torch.where(symmetry == ANY, torch.hypot(w, z), w))
    return torch.rad2deg(2 * torch.atan2((x * x + y * y + about * about).sqrt(), still))


def squared_chord(first: Tensor, second: Tensor, symmetry: Tensor) -> Tensor:
    """|first - second|^2 of matrices [n, 3, 3], the least over symmetries of the second, [n].

    It is 6 - 2 trace(first^T second) = 8 sin^2(d / 2) for a geodesic distance d, so in [0, 8].

    Args:
        first: matrices.
        second: matrices, of the objects that the symmetries are of.
        symmetry: int64 [n].
    """
    relative = first.mT @ second
    along = relative[:, 0, 0] + relative[:, 1, 1]
    across = relative[:, 0, 1] - relative[:, 1, 0]
    free = (along.square() + across.square() + _SMALL).sqrt()
    best = torch.where(symmetry == HALF, along.abs(), torch.where(symmetry == ANY, free, along))
    return 6 - 2 * (relative[:, 2, 2] + best)


def matrices_of_six(six: Tensor) -> Tensor:
    """Matrices [n, 3, 3] whose first columns point as two vectors do, after Gram and Schmidt.

    Source: Zhou, Barnes, Lu, Yang, Li, CVPR 2019, section 4.1: unlike quaternions and angles, six
    numbers reach every turn without a jump.

    Args:
        six: float [n, 6], two vectors.
    """
    first = F.normalize(six[:, :3], dim=1, eps=_SMALL)
    second = six[:, 3:] - (first * six[:, 3:]).sum(1, keepdim=True) * first
    second = F.normalize(second, dim=1, eps=_SMALL)
    return torch.stack([first, second, torch.linalg.cross(first, second)], 2)


def quaternions(matrices: Tensor) -> Tensor:
    """Quaternions [n, 4] with w >= 0 of matrices [n, 3, 3].

    The matrix gives 4 q q^T, of which the row with the largest diagonal is the most exact.
    """
    m = matrices
    diagonal = m.diagonal(dim1=1, dim2=2)
    outer = m.new_zeros(len(m), 4, 4)
    outer[:, 1:, 1:] = m + m.mT
    outer[:, 0, 1:] = torch.stack(
        [m[:, 2, 1] - m[:, 1, 2], m[:, 0, 2] - m[:, 2, 0], m[:, 1, 0] - m[:, 0, 1]], 1
    )
    outer[:, 1:, 0] = outer[:, 0, 1:]
    trace = diagonal.sum(1, keepdim=True)
    squares = 1 + torch.cat([trace, 2 * diagonal - trace], 1)
    outer.diagonal(dim1=1, dim2=2).copy_(squares)
    rows = outer[torch.arange(len(m), device=m.device), squares.argmax(1)]
    return upright(F.normalize(rows, dim=1))


def upright(found: Tensor) -> Tensor:
    """The same turns [n, 4] with w >= 0."""
    return torch.where(found[:, :1] < 0, -found, found)


def mean_turn(turns: Tensor) -> Tensor:
    """The turn [4] with the least sum of squared chords to turns [n, 4].

    Source: Markley, Cheng, Crassidis, Oshman, Averaging Quaternions, 2007: the eigenvector of
    sum q q^T with the largest eigenvalue, which does not mind the signs of q.
    """
    wide = turns.double()
    vectors = torch.linalg.eigh(wide.mT @ wide).eigenvectors
    return upright(vectors[None, :, -1])[0].to(turns.dtype)
