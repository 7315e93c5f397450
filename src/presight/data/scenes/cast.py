"""Rays against the parts of a block of scenes: what each sample sees, and what stands in its light.

A part is tested only in the pixels that its box covers, row by row. The nearest hit and its part
travel in one integer, so the result depends neither on order nor on the block.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from presight.data.scenes.camera import Camera
from presight.data.scenes.intersect import KINDS, TORUS, entry, half_sizes
from presight.data.scenes.vectors import dot, inverse, times, times_transposed

CENTER = ((0.0, 0.0),)
QUINCUNX = (*CENTER, (-0.25, -0.25), (0.25, -0.25), (-0.25, 0.25), (0.25, 0.25))
"""Samples within a pixel, from its center, in pixels: right and down."""

_NEAR = 1e-4
_NOTHING = 0x7F800000 << 32  # infinity, as 32 bits of a float
_NEAREST_CORNER = 0.05
_SIGNS = [[(-1.0, 1.0)[corner >> axis & 1] for corner in range(8)] for axis in range(3)]
_EDGES = [(c, c | 1 << axis) for axis in range(3) for c in range(8) if not c >> axis & 1]


@dataclass(frozen=True)
class Parts:
    """Solids in the world, sorted by kind; P of them.

    Args:
        kind: int64 [P].
        image: int64 [P], which image of the block.
        item: int64 [P], which object of the block.
        center: float32 [3, P].
        axes: float32 [3, 3, P], from the solid's space to the world.
        inverse: float32 [3, 3, P], and back.
        parameter: float32 [P].
        shade: float32 [P], factor on the color.
    """

    kind: Tensor
    image: Tensor
    item: Tensor
    center: Tensor
    axes: Tensor
    inverse: Tensor
    parameter: Tensor
    shade: Tensor

    @staticmethod
    def of(
        kind: Tensor,
        image: Tensor,
        item: Tensor,
        center: Tensor,
        axes: Tensor,
        parameter: Tensor,
        shade: Tensor,
    ) -> Parts:
        """Sorted, with inverses."""
        order = torch.argsort(kind, stable=True)
        axes = axes[..., order]
        return Parts(
            kind[order],
            image[order],
            item[order],
            center[:, order],
            axes,
            inverse(axes),
            parameter[order],
            shade[order],
        )


@dataclass(frozen=True)
class Seen:
    """What samples see.

    Args:
        part: int64 [S, B * size * size], the part, -1 where nothing is.
        depth: float32, same shape, planar depth along the optical axis; infinity where nothing is.
    """

    part: Tensor
    depth: Tensor


def look(
    parts: Parts,
    eye: Camera,
    size: int,
    images: int,
    samples: tuple[tuple[float, float], ...] = QUINCUNX,
) -> Seen:
    """Cast the samples of all pixels of a block.

    Args:
        parts: the solids.
        eye: the camera.
        size: side of an image, pixels.
        images: how many, B.
        samples: places within a pixel.
    """
    part, column, row = _covered(parts, eye, size)
    held = _rays(parts, eye, size)[:, part]
    x, y = column.float() + 0.5, row.float() + 0.5
    offset = torch.tensor(samples, device=x.device)[:, :, None]
    x, y = x + offset[:, 0], y + offset[:, 1]  # [S, n]
    pixel = (parts.image[part] * size + row) * size + column
    nearest = torch.full((len(samples) * images * size * size,), _NOTHING, device=x.device)
    jump = torch.arange(len(samples), device=x.device)[:, None] * (images * size * size)
    edges = _segments(parts.kind, part)
    for kind, (start, stop) in enumerate(edges):
        if start == stop:
            continue
        one = held[:, start:stop]
        px, py = x[:, start:stop], y[:, start:stop]
        ray = torch.stack([one[3 + a] + one[6 + a] * px + one[9 + a] * py for a in range(3)])
        t = entry(kind, one[:3, None], ray, one[12], _NEAR)
        key = t.view(torch.int32).long() << 32 | part[start:stop]
        nearest.scatter_reduce_(0, (jump + pixel[start:stop]).view(-1), key.view(-1), "amin")
    depth = (nearest >> 32).int().view(torch.float32)
    found = torch.where(nearest < _NOTHING, nearest & 0xFFFFFFFF, -1)
    return Seen(found.view(len(samples), -1), depth.view(len(samples), -1))


def _rays(parts: Parts, eye: Camera, size: int) -> Tensor:
    """For each part [13, P]: the camera in its space, and the ray as a + b column + c row."""
    away = eye.place[:, None] - parts.center
    origin = times(parts.inverse, away)
    right, up, back = (times(parts.inverse, eye.axes[:, a, None].expand(3, 1)) for a in range(3))
    scale = 2 / (size * eye.focal)
    corner = -back + (up - right) / eye.focal
    return torch.cat([origin, corner, right * scale, -up * scale, parts.parameter[None]])


def _segments(kind: Tensor, part: Tensor) -> list[tuple[int, int]]:
    """Where the pairs of each kind begin and end; parts are sorted by kind, and pairs by part."""
    bounds = torch.searchsorted(kind, torch.arange(KINDS + 1, device=kind.device))
    places = torch.searchsorted(part, bounds).tolist()
    return list(pairwise(places))


def _covered(parts: Parts, eye: Camera, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """Pairs of a part and a pixel that it may cover: part, column and row, int64 [n] each."""
    x, y = _corners(parts, eye, size)
    top = y.amin(0).floor().clamp(0, size).long()
    rows = y.amax(0).ceil().clamp(0, size).long() - top
    part, place = _unroll(rows)
    row = top[part] + place
    left, right = _band(x[:, part], y[:, part], row.float())
    first = left.floor().clamp(0, size).long()
    columns = (right.ceil().clamp(0, size).long() - first).clamp_min(0)
    pair, place = _unroll(columns)
    return part[pair], first[pair] + place, row[pair]


def _unroll(counts: Tensor) -> tuple[Tensor, Tensor]:
    """Each number i as often as `counts[i]` says, and 0, 1, 2, ... within."""
    ends = counts.cumsum(0)
    owner = torch.repeat_interleave(torch.arange(len(counts), device=counts.device), counts)
    return owner, torch.arange(len(owner), device=counts.device) - (ends - counts)[owner]


def _corners(parts: Parts, eye: Camera, size: int) -> tuple[Tensor, Tensor]:
    """Columns and rows [8, P], in pixels, of the corners of the parts' boxes."""
    half = half_sizes(parts.kind, parts.parameter)
    frame = eye.axes[:, :, None].expand(3, 3, parts.center.shape[1])
    middle = times_transposed(frame, parts.center - eye.place[:, None])
    signs = torch.tensor(_SIGNS, device=half.device)
    corner = middle[:, None].expand(3, 8, -1)
    for axis in range(3):
        step = times_transposed(frame, parts.axes[:, axis]) * half[axis]
        corner = corner + signs[axis, None, :, None] * step[:, None]
    scale = (size / 2) * eye.focal / (-corner[2]).clamp_min(_NEAREST_CORNER)
    return size / 2 + corner[0] * scale, size / 2 - corner[1] * scale


def _band(x: Tensor, y: Tensor, row: Tensor) -> tuple[Tensor, Tensor]:
    """Least and greatest column [R] of boxes with corners [8, R] within row..row + 1."""
    first = [a for a, _ in _EDGES]
    last = [b for _, b in _EDGES]
    xa, ya, xb, yb = x[first], y[first], x[last], y[last]
    fall = yb - ya
    fall = torch.where(fall.abs() < 1e-6, 1e-6, fall)
    enter, leave = (row - ya) / fall, (row + 1 - ya) / fall
    low = torch.minimum(enter, leave).clamp(0, 1)
    high = torch.maximum(enter, leave).clamp(0, 1)
    run = xb - xa
    start, stop = xa + low * run, xa + high * run
    outside = (torch.minimum(ya, yb) > row + 1) | (torch.maximum(ya, yb) < row)
    far = float("inf")
    left = torch.minimum(start, stop).masked_fill(outside, far).amin(0)
    right = torch.maximum(start, stop).masked_fill(outside, -far).amax(0)
    return left.clamp_max(1e6), right.clamp_min(-1e6)


def shadowed(
    parts: Parts, at: Tensor, own: Tensor, image: Tensor, light: Tensor, near: float = 2e-3
) -> Tensor:
    """Whether something stands between points and their image's light, bool [n].

    Args:
        parts: the solids.
        at: [3, n], points, ordered by image.
        own: int64 [n], the part each point lies on; a convex one does not darken itself.
        image: int64 [n].
        light: [3, B], its place.
        near: shadows begin so far from the point, as a share of the way to the light.
    """
    dark = torch.zeros(len(image), dtype=torch.bool, device=at.device)
    way = light[:, image] - at
    part, point = _in_the_way(parts, at, way, image, light.shape[1])
    codes = parts.kind[part]
    other = (part != own[point]) | (codes == TORUS)
    for kind in range(KINDS):
        chosen = ((codes == kind) & other).nonzero()[:, 0]
        which, where = part[chosen], point[chosen]
        solid = parts.inverse[..., which]
        origin = times(solid, at[:, where] - parts.center[:, which])
        ray = times(solid, way[:, where])
        t = entry(kind, origin, ray, parts.parameter[which], near)
        dark[where[t < 1]] = True
    return dark


def _in_the_way(
    parts: Parts, at: Tensor, way: Tensor, image: Tensor, images: int
) -> tuple[Tensor, Tensor]:
    """Pairs of a part and a point whose way to the light meets the balls around both.

    First the ball around the whole object, then those around its parts.
    """
    reach = _reach(parts)
    center, radius, where = _objects(parts, reach)
    counts = torch.bincount(image, minlength=images)
    begin = counts.cumsum(0) - counts
    item, place = _unroll(counts[where])
    point = begin[where[item]] + place
    if len(where) > images:  # a single object's own points lie within its ball
        met = _met(center, radius, item, at, way, point)
        item, point = item[met], point[met]
    order = torch.argsort(parts.item, stable=True)
    counts = torch.bincount(parts.item, minlength=len(where))
    begin = counts.cumsum(0) - counts
    pair, place = _unroll(counts[item])
    part, point = order[begin[item[pair]] + place], point[pair]
    met = _met(parts.center, reach, part, at, way, point)
    return part[met], point[met]


def _met(
    center: Tensor, radius: Tensor, ball: Tensor, at: Tensor, way: Tensor, point: Tensor
) -> Tensor:
    """Which of these pairs of a ball and a point meet on the point's way to the light."""
    toward = center[:, ball] - at[:, point]
    path = way[:, point]
    along = (dot(toward, path) / dot(path, path)).clamp(0, 1)
    aside = toward - along * path
    return (dot(aside, aside) < (radius * radius)[ball]).nonzero()[:, 0]


def _objects(parts: Parts, reach: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Balls around whole objects: centers [3, N], radii [N], and the images of both."""
    items = int(parts.item.max()) + 1
    spread = parts.item.expand(3, -1)
    far = float("inf")
    empty = torch.full((3, items), far, device=reach.device)
    low = empty.scatter_reduce(1, spread, parts.center - reach, "amin")
    high = (-empty).scatter_reduce(1, spread, parts.center + reach, "amax")
    center = (low + high) / 2
    away = parts.center - center[:, parts.item]
    outer = dot(away, away).sqrt() + reach
    radius = torch.zeros(items, device=reach.device).scatter_reduce(0, parts.item, outer, "amax")
    image = torch.zeros(items, dtype=torch.long, device=reach.device)
    return center, radius, image.scatter_reduce(0, parts.item, parts.image, "amax")


def _reach(parts: Parts) -> Tensor:
    """[P], radius of the ball around each part."""
    half = half_sizes(parts.kind, parts.parameter)
    signs = torch.tensor(_SIGNS, device=half.device)
    corner = sum(
        signs[axis, None, :, None] * (parts.axes[:, axis] * half[axis])[:, None]
        for axis in range(3)
    )
    assert isinstance(corner, Tensor)
    return dot(corner, corner).amax(0).sqrt()
