"""Scenes that are drawn, not stored: one object of ten kinds upright on a ground, under a sky.

Scene i is a pure function of (seed, i). Colors, textures, place, scale, proportions, light and
noise are drawn without regard to the class, so that pixels alone say little about it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache
from urllib.parse import parse_qsl

import numpy as np
import torch
from numpy.typing import NDArray

from presight.core.draw import Draw
from presight.data import raster
from presight.data.raster import Floats, Points, box, disk, triangle
from presight.data.source import ClassTarget, Pixels
from presight.errors import UsageError

_VERSION = 1
_BLOCK = 1024
_NUMBERS = 96

Part = tuple[int, Points]
"""Which of the object's five colors, and an outline in [-1, 1]^2; the object stands on y = 1."""


def _house(v: Floats) -> list[Part]:
    wide, eaves = 0.55 + 0.25 * v[0], -0.3 + 0.4 * v[1]
    return [
        (0, box(-wide, eaves, wide, 1)),
        (1, triangle(-wide - 0.15, -1, wide + 0.15, eaves)),
        (2, box(-0.15, 0.45, 0.15, 1)),
        (3, box(0.3 * wide, eaves + 0.2, 0.75 * wide, eaves + 0.5)),
        (3, box(-0.75 * wide, eaves + 0.2, -0.3 * wide, eaves + 0.5)),
    ]


def _tree(v: Floats) -> list[Part]:
    crown, trunk = 0.4 + 0.2 * v[0], 0.08 + 0.08 * v[1]
    return [
        (0, box(-trunk, -0.2, trunk, 1)),
        (1, disk(-0.35, -0.15, crown, 0.42)),
        (1, disk(0.35, -0.15, crown, 0.42)),
        (1, disk(0, -0.55, crown + 0.1, 0.45)),
    ]


def _fir(v: Floats) -> list[Part]:
    wide = 0.55 + 0.3 * v[0]
    return [
        (0, box(-0.1, 0.5, 0.1, 1)),
        (1, triangle(-wide, -0.1, wide, 0.7)),
        (1, triangle(-0.8 * wide, -0.55, 0.8 * wide, 0.25)),
        (1, triangle(-0.55 * wide, -1, 0.55 * wide, -0.25)),
    ]


def _car(v: Floats) -> list[Part]:
    roof, wheel, back = -0.35 + 0.2 * v[0], 0.2 + 0.08 * v[1], 0.3 * v[2]
    return [
        (0, box(-0.6 + back, roof, 0.4, 0.35, 0.7)),
        (3, box(-0.45 + back, roof + 0.1, 0.28, 0.25, 0.75)),
        (0, box(-1, 0.2, 1, 0.75, 0.93)),
        (2, disk(-0.55, 0.78, wheel, wheel)),
        (2, disk(0.55, 0.78, wheel, wheel)),
        (4, disk(0.55, 0.78, wheel / 2, wheel / 2)),
        (4, disk(-0.55, 0.78, wheel / 2, wheel / 2)),
    ]


def _boat(v: Floats) -> list[Part]:
    mast, deck = -0.3 + 0.5 * v[0], 0.4 + 0.15 * v[1]
    return [
        (2, box(mast - 0.04, -1, mast + 0.04, deck)),
        (1, triangle(mast + 0.06, -0.9, mast + 0.75, deck - 0.1, -0.33)),
        (3, triangle(mast - 0.55, -0.7, mast - 0.06, deck - 0.1, 0.22)),
        (0, box(-0.65, deck, 0.65, 1, 1.5)),
    ]


def _snowman(v: Floats) -> list[Part]:
    big, head = 0.42 + 0.1 * v[0], 0.22 + 0.06 * v[1]
    return [
        (0, disk(0, 0.55, big, 0.45)),
        (1, disk(0, -0.1, 0.75 * big, 0.35)),
        (0, disk(0, -0.6, head, head)),
        (2, box(-0.28, -0.8, 0.28, -0.72)),
        (2, box(-0.17, -1, 0.17, -0.76)),
    ]


def _mushroom(v: Floats) -> list[Part]:
    cap, stem = 0.65 + 0.3 * v[0], 0.14 + 0.14 * v[1]
    return [
        (0, box(-stem, -0.3, stem, 1, 0.75)),
        (1, disk(0, 0, cap, 0.9, 0.5)),
        (3, disk(-0.35 * cap, -0.3, 0.12, 0.14)),
        (3, disk(0.4 * cap, -0.25, 0.12, 0.12)),
        (3, disk(0.05, -0.62, 0.14, 0.12)),
    ]


def _chair(v: Floats) -> list[Part]:
    seat, thick = 0.1 + 0.25 * v[0], 0.05 + 0.05 * v[1]
    return [
        (0, box(-0.6, -1, -0.6 + 2 * thick, 1)),
        (0, box(0.55 - 2 * thick, seat, 0.55, 1)),
        (1, box(-0.6, seat, 0.6, seat + 0.18)),
        (2, box(-0.6, -0.95, -0.25, -0.6 + 0.2 * v[2])),
    ]


def _lamp(v: Floats) -> list[Part]:
    shade, wide = -0.4 + 0.25 * v[0], 0.4 + 0.25 * v[1]
    return [
        (0, box(-0.05, shade, 0.05, 0.95)),
        (2, disk(0, 1, 0.35, 0.2, 0.5)),
        (1, box(-wide, -1, wide, shade, 0.4 + 0.3 * v[2])),
    ]


def _rocket(v: Floats) -> list[Part]:
    wide, nose = 0.2 + 0.12 * v[0], -0.55 + 0.2 * v[1]
    return [
        (1, triangle(-wide - 0.35, 0.2, wide + 0.35, 0.8)),
        (0, box(-wide, nose, wide, 0.75)),
        (2, triangle(-wide, -1, wide, nose)),
        (3, disk(0, -0.1, 0.6 * wide, 0.6 * wide)),
        (4, triangle(-0.6 * wide, 1, 0.6 * wide, 0.75)),
    ]


_KINDS: dict[str, Callable[[Floats], list[Part]]] = {
    "boat": _boat,
    "car": _car,
    "chair": _chair,
    "fir": _fir,
    "house": _house,
    "lamp": _lamp,
    "mushroom": _mushroom,
    "rocket": _rocket,
    "snowman": _snowman,
    "tree": _tree,
}


def render(kind: str, size: int, u: Floats) -> Pixels:
    """One scene.

    Args:
        kind: one of the ten classes.
        size: side, pixels.
        u: 96 numbers in [0, 1).

    Returns:
        uint8 [size, size, 3].
    """
    place = _placement(size, u[39:46])
    feet = 2 * float(place[1] @ np.array([0.0, 1.0, 1.0], np.float32)) / size - 1
    image = raster.background(size, u[:24], feet)
    layer = np.empty((size, size, 3), np.uint8)
    mask = np.zeros((size, size), np.uint8)
    colors = 20.0 + 225.0 * u[24:39].reshape(5, 3)
    layer[:] = colors[0]
    for color, outline in _KINDS[kind](u[46:49]):
        points = outline @ place[:, :2].T + place[:, 2]
        raster.fill(layer, points, colors[color])
        raster.fill(mask, points, (255,))
    _shadow(image, place, size, u[49:51])
    surface = layer + (30.0 * u[51]) * raster.texture(size, u[52:57])[:, :, None]
    surface = raster.lit(surface, u[57:60])
    image += (surface - image) * (mask[:, :, None] * np.float32(1 / 255))
    image = raster.lit(image, u[60:63])
    image += (1.0 + 6.0 * u[63]) * raster.noise(size, u[64:66])[:, :, None]
    pixels: Pixels = np.clip(np.rint(image), 0, 255).astype(np.uint8)
    return pixels


def _placement(size: int, u: Floats) -> Floats:
    """From the object's square to pixels, [2, 3]: scale, mirror, tilt within 12 degrees, place."""
    scale = size * (0.28 + 0.14 * u[0])
    stretch = 0.85 + 0.3 * u[1]
    mirror = 1.0 if u[2] < 0.5 else -1.0
    tilt = (u[3] - 0.5) * 0.42
    lean = (u[4] - 0.5) * 0.3
    cos, sin = np.cos(tilt), np.sin(tilt)
    turn = np.array([[cos, -sin], [sin, cos]]) @ np.array([[mirror * stretch, lean], [0.0, 1.0]])
    room = size / 2 - 0.8 * scale
    center = size / 2 + (2 * u[5:7] - 1) * np.array([room, 0.7 * room])
    return np.concatenate([turn * scale, center[:, None]], 1).astype(np.float32)


def _shadow(image: Floats, place: Floats, size: int, u: Floats) -> None:
    """A darker ellipse on the ground, where the object stands."""
    x, y = place @ np.array([0.0, 1.0, 1.0], np.float32)
    width, height = (0.4 + 0.6 * u[0]) * abs(place[0, 0]), 0.15 * place[1, 1]
    dark = np.zeros((size, size), np.uint8)
    raster.fill(dark, disk(x + (u[1] - 0.5) * width, y, width, height), (255,))
    image *= (1.0 - dark * np.float32(0.5 / 255))[:, :, None]


class Scenes:
    """Labelled scenes by number.

    Args:
        count: number of scenes.
        size: side, pixels.
        seed: other seeds, other scenes.
    """

    task = "classification"
    classes = tuple(_KINDS)

    def __init__(self, count: int, *, size: int = 64, seed: int = 0) -> None:
        self.count, self.size, self.seed = count, size, seed

    @classmethod
    def parse(cls, text: str) -> Scenes:
        """From what follows `scenes:`, such as 20000 or 20000?size=32&seed=1.

        Raises:
            UsageError: a number out of range, or an option that is not known.
        """
        number, _, rest = text.partition("?")
        values = {"count": number, "size": "64", "seed": "0"}
        for name, value in parse_qsl(rest, keep_blank_values=True):
            if name not in ("size", "seed"):
                raise UsageError(f"scenes have no option {name!r}; known are size and seed.")
            values[name] = value
        ranges = {"count": (1, 10_000_000), "size": (16, 512), "seed": (0, 2**31)}
        for name, (low, high) in ranges.items():
            if not values[name].isascii() or not values[name].isdigit():
                raise UsageError(_wrong(name, values[name], low, high))
            if not low <= int(values[name]) <= high:
                raise UsageError(_wrong(name, values[name], low, high))
        return cls(int(values["count"]), size=int(values["size"]), seed=int(values["seed"]))

    def __len__(self) -> int:
        return self.count

    def decode(self, i: int) -> Pixels:
        """Scene i, uint8 [size, size, 3]."""
        numbers, labels = _numbers(self.seed, i // _BLOCK)
        return render(self.classes[labels[i % _BLOCK]], self.size, numbers[i % _BLOCK])

    def identity(self, i: int) -> str:
        """Its seed and number."""
        return f"scene-{self.seed}-{i}"

    @property
    def fingerprint(self) -> str:
        """32 hex digits of the options and of the version of the drawing."""
        text = f"scenes {_VERSION} {self.count} {self.size} {self.seed}"
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    @property
    def sizes(self) -> NDArray[np.int64]:
        """[N, 2], height and width."""
        return np.full((self.count, 2), self.size, dtype=np.int64)

    @property
    def labels(self) -> NDArray[np.int64]:
        """[N], the class of each scene."""
        blocks = range(-(-self.count // _BLOCK))
        return np.concatenate([_numbers(self.seed, b)[1] for b in blocks])[: self.count]

    def target(self, i: int) -> ClassTarget:
        """The class of scene i."""
        return ClassTarget(int(_numbers(self.seed, i // _BLOCK)[1][i % _BLOCK]))


def _wrong(name: str, value: str, low: int, high: int) -> str:
    return f"scenes: {name} is {value!r}; a whole number from {low} to {high:,} was expected."


@lru_cache(maxsize=8)
def _numbers(seed: int, block: int) -> tuple[Floats, NDArray[np.int64]]:
    """Random numbers [1024, 96] and classes [1024] of a block of scenes."""
    draw = Draw(seed, 0, torch.arange(block * _BLOCK, (block + 1) * _BLOCK))
    numbers = draw.uniform("scene", (_NUMBERS,)).numpy()
    return numbers, draw.integers("class", (), len(_KINDS)).numpy()
