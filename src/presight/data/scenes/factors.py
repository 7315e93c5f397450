"""What is drawn for each scene: a pure function of (seed, split, scene's number), field by field.

Every field has a stream of its own and is drawn whether or not it is used, so that switching a
factor off leaves all other draws as they were.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from presight.core.draw import Draw
from presight.data.scenes import textures
from presight.data.scenes.camera import PLACE, camera
from presight.data.scenes.shapes import CLASSES, SPLITS, shape
from presight.data.scenes.solids import ANY_TURN
from presight.data.scenes.vectors import about, compose, dot

VERSION = 4
"""Another version draws other scenes from the same seed."""

FACTORS = "TCVLD"
"""Texture, color, viewpoint, light, distance."""

_BASE_YAW = -math.pi / 6
_SPREAD = 0.5  # radians, of yaw and of each component of the tilt
_LIGHT_ANGLE = -0.5
_NEAREST, _FARTHEST = -0.5, 0.9
_ASIDE = 0.1  # of the image's side, of a single object from the middle


@dataclass(frozen=True)
class Kind:
    """What all scenes of a source have in common.

    Args:
        factors: letters of those that vary: T, C, V, L, D.
        objects: how many a scene, 1..4.
        seed: other seeds, other scenes.
        split: whose shapes are shown: train, validation or test.
    """

    factors: str = "TCVL"
    objects: int = 1
    seed: int = 0
    split: str = "train"


@dataclass(frozen=True)
class Drawn:
    """The draws of B scenes of n objects; N = B * n, M = N + B materials, backgrounds last.

    Args:
        label: int64 [N], class.
        instance: int64 [N], shape of the class.
        quaternion: float32 [4, N], from the object's frame to the world.
        scale: float32 [N], longest side before the warp, meters.
        warp: float32 [3, N], stretch along the object's axes.
        position: float32 [3, N], center, world.
        light: float32 [3, B], its place, world.
        colors: float32 [3, 3, M], RGB in [0, 1] (second axis) of three colors a material.
        texture: int64 [M], map.
        repeats: float32 [M], of the map along an object's longest side, or the half image.
        turn: float32 [M], of the map, radians.
        shift: float32 [2, M], of the map, in repeats.
    """

    label: Tensor
    instance: Tensor
    quaternion: Tensor
    scale: Tensor
    warp: Tensor
    position: Tensor
    light: Tensor
    colors: Tensor
    texture: Tensor
    repeats: Tensor
    turn: Tensor
    shift: Tensor


def labels_of(kind: Kind, index: Tensor) -> Tensor:
    """Classes, int64 [B, n], of scenes by number, int64 [B].

    The first object's classes come in shuffled rounds of all ten, so that their counts differ by
    at most one in any number of first scenes.
    """
    rounds = _stream(kind, torch.div(index, len(CLASSES), rounding_mode="floor"))
    order = rounds.permutation("round", len(CLASSES))
    first = order.gather(1, (index % len(CLASSES))[:, None])
    others = _stream(kind, index).integers("class", (kind.objects - 1,), len(CLASSES))
    return torch.cat([first, others], 1)


def draw_factors(kind: Kind, index: Tensor) -> Drawn:
    """Draw scenes by number, int64 [B]."""
    n = kind.objects
    draw = _stream(kind, index)
    label = labels_of(kind, index).view(-1)
    first, end = SPLITS[kind.split]
    instance = first + draw.integers("instance", (n,), end - first).view(-1)
    middle, spread = (0.62 if n == 1 else 0.42), 0.05
    scale = (middle + spread * draw.normal("scale", (n,)).view(-1)).clamp(0.25, 0.8)
    position, light = _places(kind, draw)
    colors = _colors(kind, draw, label)
    amount = _each(draw, "repeats", n)[0]
    return Drawn(
        label=label,
        instance=instance,
        quaternion=_poses(kind, draw),
        scale=scale,
        warp=_warps(draw, label, instance, n),
        position=position,
        light=light,
        colors=colors,
        texture=(_each(draw, "texture", n)[0] * textures.COUNT).long(),
        repeats=torch.exp(1.2 * amount - 0.4),
        turn=_each(draw, "turn", n)[0] * (2 * math.pi),
        shift=_each(draw, "shift", n, 2),
    )


def _stream(kind: Kind, index: Tensor) -> Draw:
    return Draw(kind.seed, 0, index).fork(f"scenes {VERSION} {kind.split} {kind.objects}")


def _columns(drawn: Tensor) -> Tensor:
    """[B, n, c] to [c, B * n]."""
    return drawn.reshape(-1, drawn.shape[-1]).T.contiguous()


def _each(draw: Draw, stream: str, n: int, components: int = 1) -> Tensor:
    """Uniform numbers [components, M]: of all objects, then of the backgrounds."""
    objects = draw.uniform(f"object {stream}", (n, components))
    grounds = draw.uniform(f"background {stream}", (1, components))
    return torch.cat([_columns(objects), _columns(grounds)], 1)


def _poses(kind: Kind, draw: Draw) -> Tensor:
    """Quaternions [4, N]: a yaw, then a turn about any axis."""
    spread = _SPREAD if "V" in kind.factors else 0.0
    yaw = _BASE_YAW + spread * draw.normal("yaw", (kind.objects,)).view(-1)
    tilt = spread * _columns(draw.normal("tilt", (kind.objects, 3)))
    upright = torch.stack([torch.zeros_like(yaw), torch.zeros_like(yaw), yaw])
    return compose(about(tilt), about(upright))


def _warps(draw: Draw, label: Tensor, instance: Tensor, n: int) -> Tensor:
    """Stretches [3, N] around 1; what is round about its axis stays round."""
    noise = _columns(draw.normal("warp", (n, 3)))
    pairs = zip(label.tolist(), instance.tolist(), strict=True)
    is_round = torch.tensor([shape(*pair)[1] == ANY_TURN for pair in pairs], device=noise.device)
    flat = (noise[0] + noise[1]) / 2
    noise = torch.where(is_round, torch.stack([flat, flat, noise[2]]), noise)
    mean = (noise[0] + noise[1] + noise[2]) / 3
    return (1 + 0.1 * (noise - mean)).clamp(0.7, 1.3)


def _places(kind: Kind, draw: Draw) -> tuple[Tensor, Tensor]:
    """Centers [3, N] of objects and places [3, B] of lights."""
    n = kind.objects
    position = torch.zeros(3, len(draw) * n, device=draw.index.device)
    if n > 1:
        begin = draw.uniform("ring", (1,)) * (2 * math.pi)
        around = torch.arange(n, device=begin.device) * (2 * math.pi / n)
        angle = (begin + around + 0.3 * draw.normal("angle", (n,))).view(-1)
        radius = (0.28 + 0.07 * draw.normal("radius", (n,))).view(-1)
        height = 0.08 * draw.normal("height", (n,)).view(-1)
        position = torch.stack([1.2 * radius * angle.cos(), 1.1 * radius * angle.sin(), height])
    wander = 2 * draw.normal("light", ()) * ("L" in kind.factors)
    at = _LIGHT_ANGLE + wander
    light = torch.stack([torch.full_like(at, 0.9), 1.5 * at.sin(), 1.35 * at.cos().abs() + 0.15])
    eye = camera(n, device=light.device)
    if "D" in kind.factors:
        away = -eye.axes[:, 2, None]
        shift = draw.uniform("distance", (), _NEAREST, _FARTHEST)
        own = 0.12 * draw.normal("own distance", (n,)).view(-1) * (n > 1)
        position = position + away * (shift.repeat_interleave(n) + own)
        light = light + away * shift
    if "V" in kind.factors and n == 1:
        aside = _ASIDE * _columns(draw.uniform("aside", (1, 2), -1.0, 1.0))
        depth = math.hypot(*PLACE) + dot(position, -eye.axes[:, 2, None])
        right, up = eye.axes[:, 0, None], eye.axes[:, 1, None]
        position = position + (right * aside[0] + up * aside[1]) * (2 / eye.focal * depth)
    return position, light


def _colors(kind: Kind, draw: Draw, label: Tensor) -> Tensor:
    """Three colors a material, [3, 3, M]; a class has its own hue where color does not vary."""
    n = kind.objects
    hue, saturation, value = (_each(draw, name, n, 3) for name in ("hue", "saturation", "value"))
    colors = _rgb(hue, 0.15 + 0.8 * saturation, 0.3 + 0.7 * value)
    objects = len(label)
    noise = _columns(draw.normal("class color", (n, 3)))
    if "C" not in kind.factors:
        own = (label * 0.1 + 0.05 + 0.06 * noise[0]) % 1
        rich, bright = (0.6 + 0.2 * noise[1]).clamp(0.2, 1), (0.8 + 0.15 * noise[2]).clamp(0.3, 1)
        share = 0.4 if "T" in kind.factors else 1.0
        base = _rgb(own, rich, bright)
        colors[..., :objects] = share * base + (1 - share) * colors[..., :objects]
    if "T" not in kind.factors:
        colors = colors[:1].expand(3, -1, -1).clone()
    colors[..., objects:] *= 0.75
    return colors


def _rgb(hue: Tensor, saturation: Tensor, value: Tensor) -> Tensor:
    """Colors from hue, saturation and value in [0, 1]; RGB becomes the axis before the last."""
    channels = []
    for offset in (5.0, 3.0, 1.0):
        k = (offset + hue * 6) % 6
        channels.append(value * (1 - saturation * torch.minimum(k, 4 - k).clamp(0, 1)))
    return torch.stack(channels, -2)
