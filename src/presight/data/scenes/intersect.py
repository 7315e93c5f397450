"""Where rays enter the six solids that everything is built of, and which way these face there.

All solids are given in their own space, where they lie around the origin with half sizes of 1;
a scene places them by an affine map, so a box may also be sheared and a ball an ellipsoid.
"""

from __future__ import annotations

import torch
from torch import Tensor

from presight.data.scenes.vectors import dot

ELLIPSOID, BOX, FRUSTUM, CUSHION, BRICK, TORUS = range(6)
"""Ball · cube · round frustum along z, radius 1 below and `parameter` above · superellipsoids
x^k + y^k + z^k = 1 with k = 4 and 8 · torus about z, ring radius 1, tube radius `parameter`."""

KINDS = 6
_NEWTON = 7
_MARCH = 40
_MISS = float("inf")


def half_sizes(kind: Tensor, parameter: Tensor) -> Tensor:
    """[3, n], half sides of the box around each solid in its own space."""
    ring = kind == TORUS
    side = torch.where(ring, 1 + parameter, torch.ones_like(parameter))
    return torch.stack([side, side, torch.where(ring, parameter, torch.ones_like(parameter))])


def entry(kind: int, origin: Tensor, ray: Tensor, parameter: Tensor, near: float) -> Tensor:
    """The least t > near at which origin + t ray enters a solid from outside.

    Args:
        kind: one of the six, the same for all.
        origin: [3, ...] in the solid's space.
        ray: [3, ...] in the solid's space; need not have length 1. Shapes broadcast.
        parameter: [...], of the solid.
        near: t of no interest below.

    Returns:
        [...]; infinity where the ray misses.
    """
    if kind == ELLIPSOID:
        t = _ball(origin, ray)
    elif kind == FRUSTUM:
        t = _frustum(origin, ray, parameter, near)
    else:
        enter, leave = _slabs(origin, ray, parameter if kind == TORUS else None)
        missed = enter >= leave
        if kind in (CUSHION, BRICK):
            enter, outside = _newton(origin, ray, enter.clamp_min(0), kind == BRICK)
            missed = missed | outside | (enter > leave)
        elif kind == TORUS:
            enter, outside = _march(origin, ray, enter.clamp_min(near), parameter)
            missed = missed | outside | (enter > leave)
        t = enter.masked_fill_(missed, _MISS)
    return t.masked_fill_(~(t > near), _MISS)


def _ball(origin: Tensor, ray: Tensor) -> Tensor:
    """First root of |origin + t ray| = 1; NaN where there is none."""
    a, b = dot(ray, ray), dot(origin, ray)
    c = dot(origin, origin) - 1
    return (-b - (b * b - a * c).sqrt()) / a


def _slabs(origin: Tensor, ray: Tensor, tube: Tensor | None) -> tuple[Tensor, Tensor]:
    """Where rays enter and leave the box around a solid; entered after left where they miss."""
    bounds = []
    for axis in range(3):
        inverse = 1 / torch.where(ray[axis].abs() < 1e-9, 1e-9, ray[axis])
        middle, half = -origin[axis] * inverse, inverse.abs()
        if tube is not None:
            half = half * (tube if axis == 2 else 1 + tube)
        bounds.append((middle - half, middle + half))
    (x0, x1), (y0, y1), (z0, z1) = bounds
    return torch.maximum(torch.maximum(x0, y0), z0), torch.minimum(torch.minimum(x1, y1), z1)


def _frustum(origin: Tensor, ray: Tensor, top: Tensor, near: float) -> Tensor:
    """By its side, of radius a + b z, or by the one end that the ray runs against."""
    a, b = (1 + top) / 2, (top - 1) / 2
    x, y, z = origin
    dx, dy, dz = ray
    radius, growth = a + b * z, b * dz
    square = dx * dx + dy * dy - growth * growth
    cross = x * dx + y * dy - radius * growth
    rest = x * x + y * y - radius * radius
    side = rest / ((cross * cross - square * rest).sqrt() - cross)  # the root where it goes in
    on_side = (side > near) & ((z + side * dz).abs() <= 1)
    end = -dz.sign()
    flat = (end - z) / dz
    ex, ey, reach = x + flat * dx, y + flat * dy, a + b * end
    on_end = (flat > near) & (ex * ex + ey * ey <= reach * reach)
    miss = torch.full_like(side, _MISS)
    return torch.minimum(torch.where(on_side, side, miss), torch.where(on_end, flat, miss))


def _newton(origin: Tensor, ray: Tensor, t: Tensor, eighth: bool) -> tuple[Tensor, Tensor]:
    """Newton's steps on a convex function from outside never pass the root; and who misses."""
    missed = torch.zeros_like(t, dtype=torch.bool)
    value = t
    for _ in range(_NEWTON):
        value, slope = _power_sum(origin, ray, t, eighth)
        missed |= (slope >= 0) & (value > 1e-3)
        t = t - value.clamp_min(0) / slope.clamp_max(-1e-6)
    value, _ = _power_sum(origin, ray, t, eighth)
    return t, missed | (value > 2e-2)


def _power_sum(origin: Tensor, ray: Tensor, t: Tensor, eighth: bool) -> tuple[Tensor, Tensor]:
    """x^k + y^k + z^k - 1 and its derivative by t, for k = 4 or 8."""
    value: Tensor | float = -1.0
    slope: Tensor | float = 0.0
    for axis in range(3):
        x = origin[axis] + t * ray[axis]
        power = x * x
        if eighth:
            cube = power * x
            power = power * power
            slope = slope + power * cube * ray[axis]
        else:
            slope = slope + power * x * ray[axis]
        value = value + power * power
    assert isinstance(value, Tensor)
    assert isinstance(slope, Tensor)
    return value, slope * (8 if eighth else 4)


def _march(origin: Tensor, ray: Tensor, t: Tensor, tube: Tensor) -> tuple[Tensor, Tensor]:
    """Steps as long as the distance to the torus; and who misses."""
    speed = 1 / dot(ray, ray).sqrt()
    distance = t
    for _ in range(_MARCH):
        x, y, z = (origin[axis] + t * ray[axis] for axis in range(3))
        ring = (x * x + y * y).sqrt() - 1
        distance = (ring * ring + z * z).sqrt() - tube
        t = t + distance * speed
    return t, distance.abs() > 5e-3


def normal(kind: Tensor, at: Tensor, parameter: Tensor) -> Tensor:
    """Directions [3, n] away from each solid, in its space, of any length.

    Args:
        kind: int64 [n].
        at: [3, n], points on the solids.
        parameter: [n].
    """
    square = at * at
    size = at.abs()
    largest = torch.maximum(torch.maximum(size[0], size[1]), size[2])
    face = torch.where(size >= largest, at, torch.zeros_like(at))
    a, b = (1 + parameter) / 2, (parameter - 1) / 2
    flat = size[2] > 1 - 2e-3
    zero = torch.zeros_like(at[0])
    side = torch.stack(
        [
            torch.where(flat, zero, at[0]),
            torch.where(flat, zero, at[1]),
            torch.where(flat, at[2], -b * (a + b * at[2])),
        ]
    )
    inward = 1 - 1 / (square[0] + square[1]).sqrt().clamp_min(1e-6)
    ring = torch.stack([at[0] * inward, at[1] * inward, at[2]])
    found = at
    eighth = square * square * square * at
    for code, one in (
        (BOX, face),
        (FRUSTUM, side),
        (CUSHION, square * at),
        (BRICK, eighth),
        (TORUS, ring),
    ):
        found = torch.where(kind == code, one, found)
    return found
