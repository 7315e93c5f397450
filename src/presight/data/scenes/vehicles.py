"""Vehicles: airplane, boat, car, motorcycle; lengths and style are drawn."""

from __future__ import annotations

import numpy as np

from presight.data.scenes.intersect import FRUSTUM
from presight.data.scenes.solids import DARK, GLASS, METAL, NO_SYMMETRY, Sculpture, turned


def airplane(s: Sculpture) -> int:
    """An airplane; its symmetry."""
    length, radius = s.between(0.5, 0.62), s.between(0.05, 0.075)
    s.ball((0.1 * length, 0, 0), (0.9 * length, radius, radius))
    s.rod((0, 0, 0), (-length, 0, 0.5 * radius), radius, tip=0.3)
    s.ball((0.72 * length, 0, 0.45 * radius), (0.12, 0.6 * radius, 0.7 * radius), shade=GLASS)
    span, chord = s.between(0.42, 0.58), s.between(0.09, 0.14)
    sweep, height = s.between(0, 0.55), (0.8 if s.chance(0.3) else -0.4) * radius
    for side in (-1, 1):
        lean = np.array([[1, -side * sweep, 0], [0, 1, 0], [0, 0.06 * side, 1]])
        wing = (0.08 - 0.5 * sweep * span, side * span / 2, height + 0.015)
        s.box(wing, (chord, span / 2, 0.013), lean)
        tail = (-0.9 * length - 0.06 * sweep, side * 0.1, 0.6 * radius)
        s.box(tail, (0.5 * chord, 0.11, 0.01), lean)
    high = s.between(0.08, 0.12)
    fin = np.array([[1, 0, -0.5], [0, 1, 0], [0, 0, 1]])
    s.box((-0.9 * length - 0.05, 0, radius + high - 0.03), (0.5 * chord, 0.01, high), fin)
    engines = s.whole(0, 2)
    for place in (0.32, 0.62)[:engines]:
        for side in (-1, 1):
            x = 0.08 - sweep * span * place + chord
            y, z = side * span * place, height - 0.035
            s.rod((x - 0.17, y, z), (x, y, z), 0.03, tip=1.2, shade=METAL)
    if engines == 0:
        s.ball((1.0 * length, 0, 0), (0.02, 0.11, 0.015), shade=DARK)
        s.ball((1.0 * length, 0, 0), (0.02, 0.015, 0.11), shade=DARK)
    return NO_SYMMETRY


def car(s: Sculpture) -> int:
    """A car; its symmetry."""
    half, wide, high = s.between(0.44, 0.55), s.between(0.18, 0.22), s.between(0.065, 0.09)
    wheel, style = s.between(0.085, 0.11), s.whole(0, 3)
    belt = wheel + 2 * high - 0.01
    s.rounded((0, 0, wheel + high - 0.01), (half, wide, high))
    cabin = (0.36, 0.44, 0.26, 0.46)[style] * 0.52
    middle = (-0.05, -0.14, 0.14, -0.02)[style]
    tall = (0.075, 0.085, 0.1, 0.13)[style] + s.between(0, 0.02)
    slope = (0.6, 0.45, 0.3, 0.2)[style]
    lean = np.array([[1, 0, -slope], [0, 1, 0], [0, 0, 1]])
    s.box((middle, 0, belt + tall), (cabin, 0.82 * wide, tall), shade=GLASS)
    front = (middle + cabin, 0, belt + tall)
    s.box(front, (0.09, 0.8 * wide, tall), lean, shade=GLASS)
    if style != 1 and style != 2:
        back = np.array([[1, 0, 0.7 * slope], [0, 1, 0], [0, 0, 1]])
        s.box((middle - cabin, 0, belt + tall), (0.07, 0.8 * wide, tall), back, shade=GLASS)
    s.rounded((middle - 0.01, 0, belt + 2 * tall), (0.98 * cabin, 0.86 * wide, 0.022))
    if style == 2:
        bed = (-0.42 * half, belt + 0.03)
        for y in (-0.9 * wide, 0.9 * wide):
            s.box((bed[0], y, bed[1]), (0.55 * half, 0.018, 0.045))
        s.box((-0.96 * half, 0, bed[1]), (0.018, 0.9 * wide, 0.045))
    for x in (-0.6 * half, 0.62 * half):
        for side in (-1, 1):
            s.disk((x, side * (0.93 * wide), wheel), wheel, 0.045, shade=DARK)
            s.disk((x, side * (0.93 * wide + 0.02), wheel), 0.55 * wheel, 0.035, shade=1.1)
    for side in (-1, 1):
        s.ball((0.97 * half, side * 0.68 * wide, wheel + high), (0.02, 0.04, 0.03), shade=1.3)
    s.box((half - 0.01, 0, wheel + 0.25 * high), (0.03, 0.85 * wide, 0.02), shade=DARK)
    return NO_SYMMETRY


def boat(s: Sculpture) -> int:
    """A boat; its symmetry."""
    half, wide, deep = s.between(0.5, 0.62), s.between(0.13, 0.19), s.between(0.08, 0.12)
    s.box((-0.25 * half, 0, 0), (0.6 * half, wide, deep))
    bow = np.array([[0, 0, 1], [0, 1, 0], [1, 0, 0.35]])
    length = 0.3 * half
    place = (0.35 * half + length, 0, 0.35 * length)
    s.put(FRUSTUM, place, (deep, wide, length), frame=bow, parameter=0.12)
    s.ball((-0.18 * half, 0, -0.7 * deep), (0.66 * half, 0.9 * wide, 0.8 * deep), shade=METAL)
    s.box((-0.25 * half, 0, deep + 0.005), (0.56 * half, 0.88 * wide, 0.012), shade=METAL)
    if s.chance(0.5):
        _sails(s, deep)
    else:
        _decks(s, half, wide, deep)
    return NO_SYMMETRY


def _sails(s: Sculpture, floor: float) -> None:
    """A mast with a sail or two."""
    mast = s.between(0.4, 0.52)
    s.post((0.05, 0, floor + mast), 0.014, mast, shade=DARK)
    boom, gap = s.between(0.3, 0.42), floor + 0.08
    tall = 0.92 * mast
    main = np.array([[1, 0, 0.5 * boom / tall], [0, 1, 0], [0, 0, 1]])
    sail = (0.03 - boom / 2, 0, gap + tall)
    s.put(FRUSTUM, sail, (boom / 2, 0.012, tall), frame=main, parameter=0.04, shade=1.2)
    if s.chance(0.7):
        low = 0.72 * mast
        jib = np.array([[1, 0, -0.2 / low], [0, 1, 0], [0, 0, 1]])
        sail = (0.29, 0, gap + low)
        s.put(FRUSTUM, sail, (0.2, 0.012, low), frame=jib, parameter=0.04, shade=1.2)


def _decks(s: Sculpture, half: float, wide: float, floor: float) -> None:
    """One to three decks with windows, and a funnel or a mast."""
    for k in range(s.whole(1, 3)):
        tall = s.between(0.05, 0.075)
        reach, aside = half * (0.44 - 0.1 * k), wide * (0.78 - 0.1 * k)
        s.box((-0.25 * half, 0, floor + tall), (reach, aside, tall))
        windows = (reach + 0.006, aside + 0.006, 0.3 * tall)
        s.box((-0.25 * half, 0, floor + 1.15 * tall), windows, shade=GLASS)
        floor += 2 * tall
    if s.chance(0.75):
        s.post((-0.35 * half, 0, floor + 0.07), 0.045, 0.09, top=0.85, shade=DARK)
    else:
        s.post((-0.2 * half, 0, floor + 0.12), 0.012, 0.13, shade=DARK)


def motorcycle(s: Sculpture) -> int:
    """A motorcycle; its symmetry."""
    base, wheel = s.between(0.31, 0.37), s.between(0.17, 0.2)
    tube = s.between(0.14, 0.24)
    for x in (-base, base):
        s.tire((x, 0, wheel), wheel, tube, shade=DARK)
        s.disk((x, 0, wheel), 0.3 * wheel, 0.03, shade=METAL)
        s.box((x, 0, wheel), (0.012, 0.012, 0.8 * wheel), shade=METAL)
        s.box((x, 0, wheel), (0.8 * wheel, 0.012, 0.012), shade=METAL)
    head = (0.62 * base, 2.85 * wheel)
    for y in (-0.045, 0.045):
        s.rod((base, y, wheel), (head[0], y, head[1]), 0.02, shade=METAL)
        s.rod((-base, 1.1 * y, wheel), (0, 1.1 * y, 1.1 * wheel), 0.022, shade=METAL)
    bar = s.between(0.14, 0.19)
    s.rod((head[0] - 0.03, -bar, head[1] + 0.02), (head[0] - 0.03, bar, head[1] + 0.02), 0.018)
    s.ball((head[0] + 0.07, 0, 2.55 * wheel), (0.045, 0.055, 0.055), shade=1.3)
    s.ball((0.2 * base, 0, 2.3 * wheel), (0.17, 0.075, 0.075), turned("y", -0.15))
    lift = s.between(0, 0.15)
    s.rounded((-0.48 * base, 0, 2.2 * wheel), (0.18, 0.065, 0.032), turned("y", lift), shade=DARK)
    s.rounded((0, 0, 1.25 * wheel), (0.14, 0.075, 0.1), shade=METAL)
    s.rod((-0.3 * base, 0, 2.15 * wheel), (head[0], 0, 2.5 * wheel), 0.03)
    s.rod((0, 0, 1.2 * wheel), (-0.5 * base, 0, 2.1 * wheel), 0.03)
    pipe = 0.09 if s.chance(0.5) else -0.09
    s.rod((0.05, pipe, 0.8 * wheel), (-1.2 * base, pipe, wheel), 0.022, tip=1.4, shade=1.2)
    fender = (-1.02 * base, 0, 2.12 * wheel)
    s.rounded(fender, (0.11, 0.05, 0.02), turned("y", -0.25))
    return NO_SYMMETRY
