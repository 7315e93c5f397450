"""Small linear algebra, components first: a vector is [3, n], a matrix [3, 3, n].

Sums are written out, so that a column's result never depends on how many columns there are.
"""

from __future__ import annotations

import torch
from torch import Tensor


def dot(a: Tensor, b: Tensor) -> Tensor:
    """Scalar products of [3, ...] and [3, ...], shape [...]."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def unit(a: Tensor) -> Tensor:
    """Vectors of length 1; a zero stays zero."""
    return a / dot(a, a).sqrt().clamp_min(1e-12)


def cross(a: Tensor, b: Tensor) -> Tensor:
    """Vector products of [3, ...] and [3, ...]."""
    return torch.stack(
        [
            a[1] * b[2] - a[2] * b[1],
            a[2] * b[0] - a[0] * b[2],
            a[0] * b[1] - a[1] * b[0],
        ]
    )


def times(matrix: Tensor, a: Tensor) -> Tensor:
    """Matrix [3, 3, ...] times vector [3, ...]."""
    return matrix[:, 0] * a[0] + matrix[:, 1] * a[1] + matrix[:, 2] * a[2]


def times_transposed(matrix: Tensor, a: Tensor) -> Tensor:
    """Transposed matrix [3, 3, ...] times vector [3, ...]."""
    return matrix[0] * a[0] + matrix[1] * a[1] + matrix[2] * a[2]


def product(first: Tensor, second: Tensor) -> Tensor:
    """Matrix [3, 3, ...] times matrix [3, 3, ...]."""
    return torch.stack([times(first, second[:, column]) for column in range(3)], 1)


def inverse(matrix: Tensor) -> Tensor:
    """Inverse of [3, 3, ...], by cofactors."""
    rows = torch.stack(
        [
            cross(matrix[:, 1], matrix[:, 2]),
            cross(matrix[:, 2], matrix[:, 0]),
            cross(matrix[:, 0], matrix[:, 1]),
        ]
    )
    return rows / dot(matrix[:, 0], rows[0])


def rotation(quaternion: Tensor) -> Tensor:
    """Rotation matrices [3, 3, ...] of unit quaternions [4, ...] in the order w, x, y, z."""
    w, x, y, z = quaternion
    entries = [
        1 - 2 * (y * y + z * z),
        2 * (x * y - w * z),
        2 * (x * z + w * y),
        2 * (x * y + w * z),
        1 - 2 * (x * x + z * z),
        2 * (y * z - w * x),
        2 * (x * z - w * y),
        2 * (y * z + w * x),
        1 - 2 * (x * x + y * y),
    ]
    return torch.stack(entries).view(3, 3, *w.shape)


def about(vector: Tensor) -> Tensor:
    """Unit quaternions [4, ...] that turn about `vector` [3, ...] by its length, radians."""
    angle = dot(vector, vector).sqrt()
    axis = vector / angle.clamp_min(1e-12)
    return torch.cat([(angle / 2).cos()[None], axis * (angle / 2).sin()])


def compose(first: Tensor, second: Tensor) -> Tensor:
    """Quaternions [4, ...] of `second`, then `first`; w >= 0."""
    w, v = first[0], first[1:]
    s, u = second[0], second[1:]
    both = torch.cat([(w * s - dot(v, u))[None], w * u + s * v + cross(v, u)])
    return torch.where(both[0] < 0, -both, both)
