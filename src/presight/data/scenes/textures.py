"""A bank of repeating patterns: two weights a texel, by which three colors of a material are mixed.

Each of the 160 maps is a pure function of its number, made when it is first needed, and kept at
four sizes so that what is small or far does not flicker. All maps repeat seamlessly.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from presight.core.draw import Draw

SIDE = 128
LEVELS = 5
"""Sizes of each map: 128, 64, 32, 16 and 8 texels."""

TEXELS = sum((SIDE >> level) ** 2 for level in range(LEVELS))
_TURN = 2 * math.pi


class _Numbers:
    """Uniform numbers and noise of one map."""

    def __init__(self, number: int) -> None:
        self.draw = Draw(0, 0, torch.tensor([number])).fork("texture")
        self.used = 0

    def __call__(self, low: float, high: float) -> float:
        self.used += 1
        return float(self.draw.uniform(f"number {self.used}", (), low, high))

    def whole(self, low: int, high: int) -> int:
        """Both ends included."""
        return int(self(low, high + 1))

    def lattice(self, cells: int, rows: int = 0) -> Tensor:
        """[rows, cells] in [0, 1); square where rows is 0."""
        self.used += 1
        return self.draw.uniform(f"number {self.used}", (rows or cells, cells))[0]

    def noise(self, cells: int, rows: int = 0) -> Tensor:
        """Smooth noise [128, 128] of so many repeating cells."""
        lattice = self.lattice(cells, rows)
        return _smooth(_smooth(lattice, 0), 1)

    def clouds(self, cells: int) -> Tensor:
        """Noise of four scales, from 0 to 1."""
        total = torch.zeros(SIDE, SIDE)
        for octave in range(4):
            total += self.noise(cells << octave) * 0.55**octave
        return (total - total.min()) / (total.max() - total.min())


def _smooth(lattice: Tensor, axis: int) -> Tensor:
    """A repeating lattice read at 128 places along one axis, with smooth steps between."""
    cells = lattice.shape[axis]
    place = (torch.arange(SIDE) + 0.5) * (cells / SIDE)
    below = place.long()
    part = place - below
    part = part * part * (3 - 2 * part)
    part = part[:, None] if axis == 0 else part
    first, second = lattice.index_select(axis, below % cells), (below + 1) % cells
    return first + (lattice.index_select(axis, second) - first) * part


def _grid() -> tuple[Tensor, Tensor]:
    axis = (torch.arange(SIDE) + 0.5) / SIDE
    return axis[None].expand(SIDE, SIDE), axis[:, None].expand(SIDE, SIDE)


def _step(value: Tensor, sharpness: float = 8.0) -> Tensor:
    """From 0 to 1 where the value passes 0."""
    return (value * sharpness + 0.5).clamp(0, 1)


def _stripes(u: _Numbers) -> tuple[Tensor, Tensor]:
    x, y = _grid()
    k, m = u.whole(2, 5), u.whole(0, 2)
    wave = torch.sin(_TURN * (k * x + m * y + u(0, 0.25) * u.noise(4)))
    return _step(wave + u(-0.5, 0.5), 2.5), _step(-wave - u(0.6, 0.9), 4)


def _checker(u: _Numbers) -> tuple[Tensor, Tensor]:
    x, y = _grid()
    k = u.whole(1, 3)
    board = torch.sin(_TURN * k * x) * torch.sin(_TURN * k * y)
    return _step(board, 6), 0.6 * _step(u.clouds(4) - 0.6, 4)


def _dots(u: _Numbers) -> tuple[Tensor, Tensor]:
    x, y = _grid()
    k = u.whole(2, 5)
    distance = ((k * x % 1 - 0.5) ** 2 + (k * y % 1 - 0.5) ** 2).sqrt()
    odd = ((k * x).floor() + (k * y).floor()) % 2 if k % 2 == 0 else torch.zeros_like(x)
    disk = _step(u(0.25, 0.42) - distance, 12)
    return disk, disk * odd


def _clouds(u: _Numbers) -> tuple[Tensor, Tensor]:
    return ((u.clouds(u.whole(2, 4)) - 0.25) * 2).clamp(0, 1), _step(u.noise(8) - 0.75, 5)


def _wood(u: _Numbers) -> tuple[Tensor, Tensor]:
    x, y = _grid()
    knots = u.noise(2, u.whole(2, 4)) + 0.3 * u.noise(8, 2)
    grain = torch.sin(_TURN * (u.whole(2, 4) * x + 2 * knots + 0 * y))
    return grain * 0.5 + 0.5, 0.6 * u.noise(64, 4)


def _marble(u: _Numbers) -> tuple[Tensor, Tensor]:
    x, y = _grid()
    hills = torch.cos(_TURN * x) + torch.cos(_TURN * y) + u(0.5, 2) * u.clouds(3)
    veins = torch.sin(_TURN * u(0.6, 1.4) * hills)
    return veins * 0.5 + 0.5, 0.7 * _step(veins.abs() - 0.9, 6)


def _bricks(u: _Numbers) -> tuple[Tensor, Tensor]:
    x, y = _grid()
    rows, columns = 2 * u.whole(2, 4), u.whole(2, 4)
    row = (rows * y).floor()
    across = columns * x + 0.5 * (row % 2)
    down = rows * y - row
    joint = torch.minimum(
        (across % 1).minimum(1 - across % 1) * rows / columns, down.minimum(1 - down)
    )
    tone = u.lattice(columns, rows)[row.long(), across.floor().long() % columns]
    return _step(joint - 0.1, 14), 0.7 * tone * _step(joint - 0.1, 14)


def _cells(u: _Numbers) -> tuple[Tensor, Tensor, Tensor]:
    """Distances to the nearest and the next of scattered points, and the nearest's tone."""
    x, y = _grid()
    k = u.whole(3, 6)
    place, aside, tone = u.lattice(k), u.lattice(k), u.lattice(k)
    column, row = (k * x).long(), (k * y).long()
    first = torch.full((SIDE, SIDE), 9.0)
    second, shown = first, torch.zeros(SIDE, SIDE)
    for step in range(9):
        i, j = row + step // 3 - 1, column + step % 3 - 1
        cell = (i % k, j % k)
        distance = ((j + place[cell] - k * x) ** 2 + (i + aside[cell] - k * y) ** 2).sqrt()
        nearer = distance < first
        second = torch.where(nearer, first, torch.minimum(second, distance))
        shown = torch.where(nearer, tone[cell], shown)
        first = torch.where(nearer, distance, first)
    return first, second, shown


def _mosaic(u: _Numbers) -> tuple[Tensor, Tensor]:
    first, second, tone = _cells(u)
    return tone, _step(0.12 - (second - first), 10)


def _pebbles(u: _Numbers) -> tuple[Tensor, Tensor]:
    first, _, tone = _cells(u)
    return (1.3 * first).clamp(0, 1), 0.4 * tone


def _weave(u: _Numbers) -> tuple[Tensor, Tensor]:
    x, y = _grid()
    k = 2 * u.whole(1, 3)
    over = ((k * x).floor() + (k * y).floor()) % 2
    across, along = torch.sin(math.pi * k * x).abs(), torch.sin(math.pi * k * y).abs()
    thread = torch.where(over > 0, across, along)
    return thread, 0.6 * over * _step(u.clouds(4) - 0.4, 3)


_FAMILIES: tuple[Callable[[_Numbers], tuple[Tensor, Tensor]], ...] = (
    _stripes,
    _checker,
    _dots,
    _clouds,
    _wood,
    _marble,
    _bricks,
    _mosaic,
    _pebbles,
    _weave,
)
COUNT = 16 * len(_FAMILIES)
"""Maps in the bank, a tenth of each family."""


@lru_cache(maxsize=COUNT)
def texture(number: int) -> Tensor:
    """Float32 [2, TEXELS] in [0, 1]: both weights, row by row, the sizes one after the other.

    Args:
        number: which map, 0..159.
    """
    level = torch.stack(_FAMILIES[number % len(_FAMILIES)](_Numbers(number)))[None]
    levels = [level]
    for _ in range(LEVELS - 1):
        levels.append(F.avg_pool2d(levels[-1], 2))
    return torch.cat([one[0].flatten(1) for one in levels], 1)


def weights(maps: Tensor, which: Tensor, level: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """Both weights [2, n] at places of maps, bilinear; shapes broadcast.

    Args:
        maps: float32 [2, K * TEXELS].
        which: int64 [n], rows of K.
        level: int64 [n], 0 is the finest.
        u: float32 [n], across, in repeats of the map.
        v: float32 [n], down.
    """
    side = SIDE >> level
    begin = which * TEXELS + (SIDE * SIDE * 4 - side * side * 4) // 3
    x, y = u * side - 0.5, v * side - 0.5
    left, top = x.floor(), y.floor()
    fx, fy = x - left, y - top
    x0, y0 = left.long(), top.long()
    mask = side - 1  # sides are powers of two
    x1, y1 = (x0 + 1) & mask, (y0 + 1) & mask
    x0, y0 = x0 & mask, y0 & mask
    above, below = begin + y0 * side, begin + y1 * side
    upper = maps[:, above + x0] * (1 - fx) + maps[:, above + x1] * fx
    lower = maps[:, below + x0] * (1 - fx) + maps[:, below + x1] * fx
    return upper * (1 - fy) + lower * fy
