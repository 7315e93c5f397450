"""Scenes by number to pictures and everything that is known about them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from presight.data.scenes.camera import Camera, camera
from presight.data.scenes.cast import CENTER, QUINCUNX, Parts, Seen, look
from presight.data.scenes.factors import Drawn, Kind, draw_factors
from presight.data.scenes.pose import five_poses, viewpoint
from presight.data.scenes.shade import (
    Points,
    Surface,
    background,
    colored,
    displayed,
    lit,
    points_of,
    surface_of,
)
from presight.data.scenes.shapes import shape
from presight.data.scenes.vectors import dot, product, rotation, times, times_transposed

FAR = 3.0
FAR_WITH_DISTANCE = 4.0
"""Depth of the background, meters."""

_SAME_FACE = 0.8  # cosine between neighbors' normals; less is an edge


@dataclass(frozen=True)
class Rendered:
    """B scenes of n objects and their labels. The conventions are frozen.

    The pixel at row r and column c covers [c, c + 1) x [r, r + 1); (0, 0) is the upper left corner
    of the image. Mask, depth and normals are those of the pixel's center, never blended. The
    camera's frame has x to the right, y up and z backward; an object's x to the front, y to the
    left and z up; the world z up. Lengths are meters, angles radians.

    Args:
        image: uint8 [B, 3, H, W], RGB.
        mask: uint8 [B, H, W], 0 the background, 1..n the object.
        depth: float32 [B, H, W], along the optical axis; the background is `far` away.
        normals: float32 [B, 3, H, W], unit, camera's frame; 0 in the background.
        label: int64 [B, n], class.
        boxes: float32 [B, n, 4], x0, y0, x1, y1 in pixels, half-open, around the visible pixels;
            (W, H, 0, 0) where none is: drop objects of fewer than 16 visible pixels.
        visible: int64 [B, n], visible pixels.
        quaternion: float32 [B, n, 4], w, x, y, z, unit, w >= 0: object's frame to world.
        viewpoint: float32 [B, n, 2], azimuth in (-pi, pi] and elevation of the camera as seen from
            the object's frame; azimuth 0 looks at its front.
        pose: int64 [B, n], 0 upright within 22.5 degrees, else 1 + quarter of the lean's direction
            in the world (towards +x, +y, -x, -y, each within 45 degrees).
        symmetry: int64 [B, n], turns about its upright axis that leave the shape as it is: 0 none,
            1 half a turn, 2 any.
        instance: int64 [B, n], shape of the class; no shape is in two splits.
        scale: float32 [B, n], longest side before the warp.
        position: float32 [B, n, 3], center, world.
        light: float32 [B, 3], its place, world.
        far: depth of the background.
    """

    image: Tensor
    mask: Tensor
    depth: Tensor
    normals: Tensor
    label: Tensor
    boxes: Tensor
    visible: Tensor
    quaternion: Tensor
    viewpoint: Tensor
    pose: Tensor
    symmetry: Tensor
    instance: Tensor
    scale: Tensor
    position: Tensor
    light: Tensor
    far: float

    @property
    def classes(self) -> Tensor:
        """uint8 [B, H, W], 0 the background, class + 1 elsewhere."""
        known = torch.cat([torch.full_like(self.label[:, :1], -1), self.label], 1) + 1
        flat = known.gather(1, self.mask.flatten(1).long())
        return flat.view(self.mask.shape).to(torch.uint8)


@torch.no_grad()
def render(
    kind: Kind, index: Tensor, size: int, *, antialias: bool = True, shadows: bool = True
) -> Rendered:
    """Scenes by number; each depends on its own number only.

    Args:
        kind: what all of them have in common.
        index: int64 [B]; everything is computed on its device.
        size: side, pixels.
        antialias: five samples a pixel where it is not of one part and one light.
        shadows: whether objects stand in the light.
    """
    drawn = draw_factors(kind, index)
    parts = place(drawn)
    eye = camera(kind.objects, device=index.device)
    samples = QUINCUNX if antialias else CENTER
    seen = look(parts, eye, size, len(index), samples)
    surface = surface_of(drawn, eye, size, "T" in kind.factors)
    color, facing = paint(parts, drawn, surface, eye, seen, size, samples, shadows)
    far = FAR_WITH_DISTANCE if "D" in kind.factors else FAR
    return _labelled(kind, drawn, parts, eye, seen, size, color, facing, far)


def place(drawn: Drawn) -> Parts:
    """The drawn objects' parts in the world."""
    shapes = [shape(*pair)[0] for pair in zip(*_numbers(drawn), strict=True)]
    device = drawn.scale.device
    counts = torch.tensor([len(one) for one in shapes], device=device)
    rows = torch.from_numpy(np.concatenate(shapes)).to(device).T.contiguous()
    item = torch.repeat_interleave(torch.arange(len(shapes), device=device), counts)
    stretch = drawn.warp[:, item]
    frame = rotation(drawn.quaternion)[..., item] * drawn.scale[item]
    objects = len(shapes) // drawn.light.shape[1]
    return Parts.of(
        kind=rows[0].long(),
        image=torch.div(item, objects, rounding_mode="floor"),
        item=item,
        center=times(frame, rows[3:6] * stretch) + drawn.position[:, item],
        axes=product(frame, rows[6:].view(3, 3, -1) * stretch[:, None]),
        parameter=rows[1],
        shade=rows[2],
    )


def _numbers(drawn: Drawn) -> tuple[list[int], list[int]]:
    return drawn.label.tolist(), drawn.instance.tolist()


def paint(
    parts: Parts,
    drawn: Drawn,
    surface: Surface,
    eye: Camera,
    seen: Seen,
    size: int,
    samples: tuple[tuple[float, float], ...],
    shadows: bool,
) -> tuple[Tensor, Tensor]:
    """Linear colors [3, B * size * size], and normals of the centers, same shape, world.

    Every pixel is shaded once, at its center; where its samples see several parts, or where the
    edge of a shadow runs, all its samples are shaded and averaged.
    """
    color = background(drawn, surface, size)
    facing = torch.zeros_like(color)
    behind = color.clone()
    pixel = (seen.part[0] >= 0).nonzero()[:, 0]
    points = _points(parts, eye, seen, pixel, pixel * 0, size, samples)
    light, dark = lit(parts, drawn, eye, points, shadows)
    facing[:, pixel] = points.normal
    color[:, pixel] = colored(parts, drawn, surface, points, light)
    if len(samples) == 1:
        return color, facing
    mixed = _mixed_pixels(seen, facing, pixel, dark, size)
    others = len(samples) - 1
    sample = torch.arange(1, len(samples), device=mixed.device).repeat(len(mixed))
    wide = mixed.repeat_interleave(others)
    blend = behind[:, wide]
    hit = (seen.part[sample, wide] >= 0).nonzero()[:, 0]
    points = _points(parts, eye, seen, wide[hit], sample[hit], size, samples)
    light, _ = lit(parts, drawn, eye, points, shadows)
    blend[:, hit] = colored(parts, drawn, surface, points, light)
    total = color[:, mixed]
    for number in range(others):
        total = total + blend[:, number::others]
    color[:, mixed] = total / len(samples)
    return color, facing


def _points(
    parts: Parts,
    eye: Camera,
    seen: Seen,
    pixel: Tensor,
    sample: Tensor,
    size: int,
    samples: tuple[tuple[float, float], ...],
) -> Points:
    """What samples, int64 [n], of pixels, int64 [n], see."""
    image = torch.div(pixel, size * size, rounding_mode="floor")
    rest = pixel - image * (size * size)
    row = torch.div(rest, size, rounding_mode="floor")
    right, down = torch.tensor(samples, device=pixel.device).T[:, sample]
    x = ((rest - row * size).float() + (0.5 + right)) * (2 / size) - 1
    y = 1 - (row.float() + (0.5 + down)) * (2 / size)
    seen_ray = torch.stack([x / eye.focal, y / eye.focal, torch.full_like(x, -1)])
    ray = times(eye.axes[..., None].expand(3, 3, len(pixel)), seen_ray)
    depth = seen.depth[sample, pixel]
    return points_of(parts, eye, image, seen.part[sample, pixel], ray, depth)


def _mixed_pixels(seen: Seen, facing: Tensor, pixel: Tensor, dark: Tensor, size: int) -> Tensor:
    """Pixels, int64 [m], whose samples see several parts, or where light or direction change."""
    several = (seen.part != seen.part[0]).any(0)
    shade = torch.zeros_like(several)
    shade[pixel[dark]] = True
    filled = seen.part[0] >= 0
    shade, solid = shade.view(-1, size, size), filled.view(-1, size, size)
    several = several.view(-1, size, size).clone()
    facing = facing.view(3, -1, size, size)
    for axis in (1, 2):
        a, b = (0, size - 1), (1, size - 1)
        differ = shade.narrow(axis, *a) != shade.narrow(axis, *b)
        differ |= dot(facing.narrow(axis + 1, *a), facing.narrow(axis + 1, *b)) < _SAME_FACE
        differ &= solid.narrow(axis, *a) & solid.narrow(axis, *b)
        several.narrow(axis, *a).logical_or_(differ)
        several.narrow(axis, *b).logical_or_(differ)
    return several.view(-1).nonzero()[:, 0]


def _labelled(
    kind: Kind,
    drawn: Drawn,
    parts: Parts,
    eye: Camera,
    seen: Seen,
    size: int,
    color: Tensor,
    facing: Tensor,
    far: float,
) -> Rendered:
    """Pictures and labels in their final shapes."""
    n = kind.objects
    part, depth = seen.part[0], seen.depth[0]
    found = part >= 0
    mask = torch.where(found, parts.item[part.clamp_min(0)] % n + 1, 0).view(-1, size, size)
    frame = eye.axes[..., None].expand(3, 3, len(part))
    shapes = [shape(*pair)[1] for pair in zip(*_numbers(drawn), strict=True)]
    boxes, visible = around(mask, n)

    def pictures(values: Tensor) -> Tensor:
        return values.view(3, -1, size, size).transpose(0, 1).contiguous()

    return Rendered(
        image=pictures(displayed(color)),
        mask=mask.to(torch.uint8),
        depth=torch.where(found, depth, far).view(-1, size, size),
        normals=pictures(times_transposed(frame, facing)),
        label=drawn.label.view(-1, n),
        boxes=boxes,
        visible=visible,
        quaternion=drawn.quaternion.T.reshape(-1, n, 4),
        viewpoint=viewpoint(drawn.quaternion, drawn.position, eye.place).T.reshape(-1, n, 2),
        pose=five_poses(drawn.quaternion).view(-1, n),
        symmetry=torch.tensor(shapes, device=mask.device).view(-1, n),
        instance=drawn.instance.view(-1, n),
        scale=drawn.scale.view(-1, n),
        position=drawn.position.T.reshape(-1, n, 3),
        light=drawn.light.T.contiguous(),
        far=far,
    )


def around(mask: Tensor, objects: int) -> tuple[Tensor, Tensor]:
    """Boxes [B, n, 4] around the visible pixels of each object, and their number [B, n]."""
    size = mask.shape[-1]
    each = mask[:, None] == torch.arange(1, objects + 1, device=mask.device)[:, None, None]
    place = torch.arange(size, device=mask.device)
    sides = []
    for hidden in (2, 3):
        any_there = each.any(hidden)
        low = torch.where(any_there, place, size).amin(2)
        high = torch.where(any_there, place + 1, 0).amax(2)
        sides.append((low, high))
    (x0, x1), (y0, y1) = sides
    return torch.stack([x0, y0, x1, y1], 2).float(), each.flatten(2).sum(2)
