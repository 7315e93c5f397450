"""Color: textures, a point light with a highlight, sky light, and shadows cast by rays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from presight.data.scenes import textures
from presight.data.scenes.camera import Camera
from presight.data.scenes.cast import Parts, shadowed
from presight.data.scenes.factors import Drawn
from presight.data.scenes.intersect import normal
from presight.data.scenes.vectors import dot, rotation, times, times_transposed, unit

_AMBIENT, _SKY, _HEADLIGHT, _DIRECT = 0.28, 0.14, 0.10, 0.95
_HIGHLIGHT = 0.25
_VIGNETTE = 0.18
_GAMMA = 1 / 1.6
_PER_SIDE = 1.6  # repeats of a map along the longest side of an object, before its own factor
_PER_HALF = 0.5  # along half an image


@dataclass(frozen=True)
class Points:
    """Places on the parts that are to be colored; n of them, ordered by image.

    Args:
        image: int64 [n].
        part: int64 [n].
        at: float32 [3, n], world.
        ray: float32 [3, n], from the camera, world.
        normal: float32 [3, n], unit, world, towards the camera.
    """

    image: Tensor
    part: Tensor
    at: Tensor
    ray: Tensor
    normal: Tensor


@dataclass(frozen=True)
class Surface:
    """Maps of a block's materials, loaded once.

    Args:
        maps: float32 [2, K * TEXELS]; empty where textures do not vary.
        row: int64 [M], of each material's map.
        level: int64 [M], which size of it.
    """

    maps: Tensor
    row: Tensor
    level: Tensor


def points_of(
    parts: Parts, eye: Camera, image: Tensor, part: Tensor, ray: Tensor, depth: Tensor
) -> Points:
    """Places on parts.

    Args:
        parts: the solids.
        eye: the camera.
        image: int64 [n].
        part: int64 [n].
        ray: float32 [3, n], world, of depth 1 along the optical axis.
        depth: float32 [n].
    """
    at = eye.place[:, None] + depth * ray
    solid = parts.inverse[..., part]
    local = times(solid, at - parts.center[:, part])
    facing = normal(parts.kind[part], local, parts.parameter[part])
    facing = unit(times_transposed(solid, facing))
    facing = torch.where(dot(facing, ray) > 0, -facing, facing)
    return Points(image, part, at, ray, facing)


def surface_of(drawn: Drawn, eye: Camera, size: int, textured: bool) -> Surface:
    """The maps that a block needs, at the sizes that it needs."""
    device = drawn.texture.device
    if not textured:
        return Surface(torch.zeros(2, 0, device=device), drawn.texture, drawn.texture)
    numbers, row = torch.unique(drawn.texture, return_inverse=True)
    maps = torch.cat([textures.texture(number) for number in numbers.tolist()], 1).to(device)
    objects = drawn.scale.shape[0]
    away = drawn.position - eye.place[:, None]
    distance = dot(away, away).sqrt()
    pixels = (
        size
        / 2
        * torch.cat(
            [
                eye.focal * drawn.scale / distance / _PER_SIDE,
                torch.full_like(drawn.repeats[objects:], 1 / _PER_HALF),
            ]
        )
    )
    dense = textures.SIDE * drawn.repeats / pixels  # texels a pixel
    level = dense.log2().round().clamp(0, textures.LEVELS - 1).long()
    return Surface(maps, row, level)


def _mixed(
    drawn: Drawn, surface: Surface, of: Callable[[Tensor], Tensor], u: Tensor, v: Tensor
) -> Tensor:
    """Colors [3, ...] at places of maps, in repeats; `of` picks what belongs to the places."""
    first = of(drawn.colors[0])
    if not surface.maps.shape[1]:
        return first
    cos, sin = of(drawn.turn.cos()), of(drawn.turn.sin())
    shift = of(drawn.shift)
    share = textures.weights(
        surface.maps,
        of(surface.row),
        of(surface.level),
        cos * u - sin * v + shift[0],
        sin * u + cos * v + shift[1],
    )
    mixed = first + (of(drawn.colors[1]) - first) * share[0]
    return mixed + (of(drawn.colors[2]) - mixed) * share[1]


def background(drawn: Drawn, surface: Surface, size: int) -> Tensor:
    """Colors [3, B * size * size] behind the objects."""
    images, objects = drawn.light.shape[1], drawn.scale.shape[0]
    axis = (torch.arange(size, device=drawn.light.device) + 0.5) * (2 / size) - 1
    x, y = axis.repeat(size), axis.repeat_interleave(size)
    rate = _PER_HALF * drawn.repeats[objects:, None]
    color = _mixed(
        drawn, surface, lambda values: values[..., objects:, None], x * rate, y * rate
    ).expand(3, images, size * size)
    return (color * (1 - _VIGNETTE * (x * x + y * y))).reshape(3, -1)


def _albedo(parts: Parts, drawn: Drawn, surface: Surface, points: Points) -> Tensor:
    """Colors [3, n] of the objects themselves: maps are projected along the nearest axis."""
    item = parts.item[points.part]
    if surface.maps.shape[1]:
        frame = rotation(drawn.quaternion)[..., item]
        place = times_transposed(frame, points.at - drawn.position[:, item])
        facing = times_transposed(frame, points.normal).abs()
        front = (facing[0] >= facing[1]) & (facing[0] >= facing[2])
        aside = ~front & (facing[1] >= facing[2])
        rate = _PER_SIDE * drawn.repeats[item] / drawn.scale[item]
        u = torch.where(front, place[1], place[0]) * rate
        v = torch.where(front | aside, place[2], place[1]) * rate
    else:
        u = v = points.at[0]
    color = _mixed(drawn, surface, lambda values: values[..., item], u, v)
    return color * parts.shade[points.part]


def lit(
    parts: Parts, drawn: Drawn, eye: Camera, points: Points, shadows: bool
) -> tuple[Tensor, Tensor]:
    """Diffuse and direct light [2, n] of points, and which of them lie in shadow, bool [n]."""
    way = drawn.light[:, points.image] - points.at
    square = dot(way, way)
    toward = way / square.sqrt()
    facing = dot(points.normal, toward)
    dark = facing <= 0
    if shadows:
        bright = (~dark).nonzero()[:, 0]
        dark[bright] = shadowed(
            parts,
            points.at[:, bright],
            points.part[bright],
            points.image[bright],
            drawn.light,
        )
    between = unit(toward - unit(points.ray))
    shine = dot(points.normal, between).clamp_min(0)
    sky = _AMBIENT + _SKY * points.normal[2] + _HEADLIGHT * dot(points.normal, eye.axes[:, 2])
    diffuse = _DIRECT * facing / (0.55 + 0.25 * square)
    open_to_light = (~dark).float()
    return torch.stack([sky + diffuse * open_to_light, _power(shine) * open_to_light]), dark


def _power(shine: Tensor) -> Tensor:
    """The highlight: shine to the power of 30, by multiplication."""
    second = shine * shine
    fourth = second * second
    eighth = fourth * fourth
    sixteenth = eighth * eighth
    return _HIGHLIGHT * sixteenth * eighth * fourth * second


def colored(parts: Parts, drawn: Drawn, surface: Surface, points: Points, light: Tensor) -> Tensor:
    """Colors [3, n], linear."""
    return (_albedo(parts, drawn, surface, points) * light[0] + light[1]).clamp(0, 1)


def displayed(color: Tensor) -> Tensor:
    """Linear colors in [0, 1] to uint8."""
    return (color.clamp(0, 1).pow(_GAMMA) * 255).round().to(torch.uint8)
