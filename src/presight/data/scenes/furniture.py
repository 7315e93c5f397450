"""Furniture: bench, cabinet, chair, lamp, sofa, table; lengths and style are drawn."""

from __future__ import annotations

import math

import numpy as np

from presight.data.scenes.solids import (
    ANY_TURN,
    DARK,
    HALF_TURN,
    METAL,
    NO_SYMMETRY,
    Sculpture,
    turned,
)


def bench(s: Sculpture) -> int:
    """A bench; its symmetry."""
    half, deep, high = s.between(0.5, 0.7), s.between(0.13, 0.19), s.between(0.24, 0.32)
    boards = s.whole(2, 4)
    for x in np.linspace(-deep, deep, boards):
        s.box((x, 0, high), (0.82 * deep / boards, half, 0.02))
    blocks = s.chance(0.4)
    for y in (-0.8 * half, 0.8 * half):
        if blocks:
            s.box((0, y, high / 2), (deep, 0.035, high / 2), shade=METAL)
        else:
            for x in (-0.85 * deep, 0.85 * deep):
                s.rod((1.25 * x, y, 0), (x, y, high), 0.024, shade=METAL)
            s.rod((-deep, y, high - 0.03), (deep, y, high - 0.03), 0.02, shade=METAL)
    if s.chance(0.2):
        return HALF_TURN
    tilt, rails = s.between(0.05, 0.3), s.whole(2, 3)
    tall = s.between(0.3, 0.4)
    for k in np.linspace(0.12, tall, rails):
        x = -1.15 * deep - math.sin(tilt) * k
        s.box((x, 0, high + k), (0.016, half, 0.042), turned("y", -tilt))
    for y in (-0.8 * half, 0.8 * half):
        top = (-1.15 * deep - math.sin(tilt) * tall - 0.02, y, high + tall + 0.03)
        s.rod((-deep, y, high), top, 0.02, shade=METAL)
    if s.chance(0.4):
        for y in (-0.93 * half, 0.93 * half):
            s.box((0, y, high + 0.2), (1.05 * deep, 0.025, 0.015))
            s.box((0.9 * deep, y, high + 0.1), (0.016, 0.02, 0.1))
    return NO_SYMMETRY


def cabinet(s: Sculpture) -> int:
    """A cabinet; its symmetry."""
    wide, deep, high = s.between(0.22, 0.48), s.between(0.16, 0.28), s.between(0.28, 0.55)
    foot = s.between(0.05, 0.12) if s.chance(0.6) else 0.0
    s.box((0, 0, foot + high), (deep, wide, high))
    if foot:
        s.legs((deep - 0.035, wide - 0.035), foot, 0.028, square=True)
    columns, rows = s.whole(1, 2), s.whole(1, 4)
    knobs = s.chance(0.5)
    half_w, half_h = wide / columns, high / rows
    for i in range(columns):
        for k in range(rows):
            y, z = -wide + half_w * (2 * i + 1), foot + half_h * (2 * k + 1)
            s.box((deep, y, z), (0.018, 0.88 * half_w, 0.86 * half_h), shade=0.9)
            inner = 0.62 * half_w * (1 if i == 0 else -1) if columns == 2 else 0.0
            if knobs:
                s.ball((deep + 0.035, y + inner, z), (0.024, 0.024, 0.024), shade=DARK)
            else:
                handle = (0.014, 0.3 * half_w, 0.012) if inner == 0 else (0.014, 0.012, 0.06)
                s.box((deep + 0.03, y + inner, z), handle, shade=DARK)
    if s.chance(0.6):
        s.box((0.01, 0, foot + 2 * high + 0.014), (deep + 0.03, wide + 0.03, 0.018))
    return NO_SYMMETRY


def chair(s: Sculpture) -> int:
    """A chair; its symmetry."""
    wide, deep, high = s.between(0.22, 0.29), s.between(0.22, 0.28), s.between(0.36, 0.5)
    s.rounded((0, 0, high), (deep, wide, s.between(0.025, 0.05)), soft=s.chance(0.4))
    if s.chance(0.2):
        s.post((0, 0, 0.5 * high), 0.03, 0.5 * high)
        for k in range(5):
            angle = 2 * math.pi * k / 5
            end = (0.26 * math.cos(angle), 0.26 * math.sin(angle), 0.025)
            s.rod((0, 0, 0.07), end, 0.022, tip=0.8)
    else:
        splay, square = (0.05 if s.chance(0.4) else 0.0), s.chance(0.5)
        s.legs((deep - 0.03, wide - 0.03), high, s.between(0.02, 0.032), splay=splay, square=square)
    _back(s, wide, deep, high)
    if s.chance(0.35):
        for y in (-wide, wide):
            s.box((0, y, high + 0.2), (deep, 0.027, 0.018))
            s.box((deep - 0.03, y, high + 0.1), (0.018, 0.02, 0.1))
    return NO_SYMMETRY


def _back(s: Sculpture, wide: float, deep: float, high: float) -> None:
    """Of a chair: a plate, upright slats or rungs."""
    back, tilt, style = s.between(0.22, 0.36), s.between(0.02, 0.3), s.whole(0, 2)
    frame = turned("y", -tilt)

    def at(height: float) -> float:
        return 0.015 - deep - math.tan(tilt) * height

    if style == 0:
        s.rounded((at(back), 0, high + back), (0.025, wide, back), frame)
    elif style == 1:
        for y in np.linspace(-wide + 0.02, wide - 0.02, s.whole(3, 5)):
            s.box((at(back), y, high + back), (0.016, 0.018, back), frame)
        s.box((at(1.9 * back), 0, high + 1.9 * back), (0.022, wide, 0.04), frame)
    else:
        for share in (0.8, 1.35, 1.85):
            s.box((at(share * back), 0, high + share * back), (0.016, wide, 0.05), frame)
        for y in (-wide + 0.02, wide - 0.02):
            s.box((at(back), y, high + back), (0.02, 0.022, back), frame)


def lamp(s: Sculpture) -> int:
    """A lamp; its symmetry."""
    if s.chance(0.65):
        tall = s.chance(0.45)
        high = s.between(0.7, 0.95) if tall else s.between(0.35, 0.55)
        foot = s.between(0.13, 0.2)
        s.post((0, 0, 0.02), foot, 0.02, top=s.between(0.6, 1), shade=METAL)
        if not tall and s.chance(0.6):
            belly = s.between(0.08, 0.15)
            s.ball((0, 0, 0.42 * high), (belly, belly, 0.4 * high))
        s.post((0, 0, high / 2), s.between(0.014, 0.026), high / 2, shade=METAL)
        deep = s.between(0.11, 0.2)
        s.post((0, 0, high + 0.6 * deep), s.between(0.19, 0.29), deep, top=s.between(0.35, 0.95))
        return ANY_TURN
    first, second = s.between(0.15, 0.55), s.between(0.6, 1.1)
    s.post((0, 0, 0.02), 0.17, 0.025, top=0.8)
    reach, arm = s.between(0.4, 0.5), s.between(0.4, 0.5)
    elbow = np.array([-math.sin(first) * reach, 0, 0.04 + math.cos(first) * reach])
    neck = elbow + np.array([math.sin(second) * arm, 0, math.cos(second) * arm])
    s.rod((0, 0, 0.04), elbow, 0.02, shade=METAL)
    s.rod(elbow, neck, 0.018, shade=METAL)
    s.ball(elbow, (0.032, 0.032, 0.032), shade=METAL)
    s.ball(neck, (0.04, 0.04, 0.04))
    s.rod(neck + np.array([0.17, 0, -0.17]), neck, s.between(0.12, 0.17), tip=0.3)
    return NO_SYMMETRY


def sofa(s: Sculpture) -> int:
    """A sofa; its symmetry."""
    half, deep, high = s.between(0.4, 0.68), s.between(0.2, 0.27), s.between(0.1, 0.15)
    soft, seats = s.chance(0.5), s.whole(1, 3)
    s.box((0, 0, high), (deep, half, 0.7 * high))
    back, tilt = s.between(0.16, 0.24), s.between(0.05, 0.25)
    for k in range(seats):
        y, wide = -half + half / seats * (2 * k + 1), 0.97 * half / seats
        s.rounded((0.04, y, 1.85 * high), (0.92 * deep, wide, 0.055), soft=soft)
        place = (-0.85 * deep, y, 1.8 * high + back)
        s.rounded(place, (0.075, wide, back), turned("y", -tilt), soft=soft)
    s.box((-deep, 0, high + 0.7 * back), (0.03, half, high + 0.6 * back), turned("y", -0.6 * tilt))
    arm, rise = s.between(0.045, 0.09), s.between(0.08, 0.17)
    for y in (-half - arm, half + arm):
        s.rounded((-0.01, y, high + rise), (1.05 * deep, arm, high + rise - 0.03), soft=soft)
    for x in (-0.8 * deep, 0.8 * deep):
        for y in (-0.92 * half, 0.92 * half):
            s.post((x, y, 0.02), 0.024, 0.05, shade=DARK)
    return NO_SYMMETRY


def table(s: Sculpture) -> int:
    """A table; its symmetry."""
    high, thick = s.between(0.34, 0.55), s.between(0.016, 0.04)
    if s.chance(0.35):
        radius = s.between(0.32, 0.46)
        s.post((0, 0, high), radius, thick)
        if s.chance(0.55):
            s.post((0, 0, high / 2), s.between(0.035, 0.065), high / 2)
            s.post((0, 0, 0.02), radius * s.between(0.45, 0.7), 0.02, top=0.6)
            return ANY_TURN
        s.legs((0.6 * radius, 0.6 * radius), high, 0.03, splay=s.between(0, 0.1))
        return HALF_TURN
    wide, deep = s.between(0.32, 0.55), s.between(0.25, 0.38)
    s.box((0, 0, high), (deep, wide, thick))
    splay, square = (0.05 if s.chance(0.3) else 0.0), s.chance(0.6)
    s.legs((deep - 0.05, wide - 0.05), high, s.between(0.022, 0.04), splay=splay, square=square)
    if s.chance(0.4):
        s.box((0, 0, high - 0.05), (deep - 0.05, wide - 0.05, 0.035), shade=0.9)
    if not splay and s.chance(0.3):
        s.box((0, 0, 0.3 * high), (deep - 0.05, wide - 0.05, 0.013))
    return HALF_TURN
