"""The page's colors: told apart by all kinds of sight, and readable on their ground."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

import presight.reporting
from presight.reporting.charts.drawing import SERIES

SHEET = (Path(presight.reporting.__file__).parent / "style.css").read_text(encoding="utf-8")
SCHEMES = ("light", "dark")

# Machado, Oliveira, Fernandes, A Physiologically-based Model for Simulation of Color Vision
# Deficiency, 2009, severity 1: for linear RGB.
SIGHT = {
    "usual": np.eye(3),
    "protan": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                        [-0.003882, -0.048116, 1.051998]]),
    "deutan": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                        [-0.011820, 0.042940, 0.968881]]),
    "tritan": np.array([[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
                        [0.004733, 0.691367, 0.303900]]),
}  # fmt: skip
XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
     [0.0193339, 0.1191920, 0.9503041]]
)  # fmt: skip
LEAST_DISTANCE = 25.0  # CIELAB: two marks of a chart are never taken for each other
LEAST_CONTRAST = 3.0  # marks on the ground


def tokens(scheme: str) -> dict[str, str]:
    blocks = re.findall(r":root \{(.*?)\}", SHEET, re.DOTALL)
    return dict(re.findall(r"--([a-z0-9]+): (#[0-9a-f]{6})", blocks[SCHEMES.index(scheme)]))


def linear(color: str) -> np.ndarray:
    part = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    share = XYZ @ np.clip(rgb, 0, 1) / (XYZ @ np.ones(3))
    root = np.where(share > (6 / 29) ** 3, np.cbrt(share), share / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * root[1] - 16, 500 * (root[0] - root[1]), 200 * (root[1] - root[2])])


def contrast(one: str, other: str) -> float:
    high, low = sorted((float(XYZ[1] @ linear(color)) for color in (one, other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_no_two_colors_of_a_chart_look_alike(scheme: str, sight: str) -> None:
    found = tokens(scheme)
    seen = [lab(SIGHT[sight] @ linear(found[f"c{i}"])) for i in range(SERIES)]
    least = min(float(np.linalg.norm(a - b)) for a, b in combinations(seen, 2))
    assert least > LEAST_DISTANCE, least


def test_colors_that_do_look_alike_would_be_found() -> None:
    red, green = (lab(SIGHT["deutan"] @ linear(color)) for color in ("#b02020", "#6a6a10"))
    assert np.linalg.norm(red - green) < LEAST_DISTANCE


@pytest.mark.parametrize("scheme", SCHEMES)
def test_marks_and_text_stand_out_from_the_ground(scheme: str) -> None:
    found = tokens(scheme)
    for i in range(SERIES):
        assert contrast(found[f"c{i}"], found["paper"]) > LEAST_CONTRAST
    for name, least in (("ink", 12.0), ("soft", 6.5), ("accent", 6.5)):
        assert contrast(found[name], found["paper"]) > least


def test_lab_of_white_and_of_a_known_red() -> None:
    assert lab(linear("#ffffff")) == pytest.approx([100, 0, 0], abs=0.01)
    assert lab(linear("#ff0000")) == pytest.approx([53.24, 80.09, 67.20], abs=0.02)


def test_every_token_of_a_drawing_is_in_both_schemes() -> None:
    for scheme in SCHEMES:
        assert {f"c{i}" for i in range(SERIES)} | {
            "ink",
            "soft",
            "faint",
            "accent",
            "paper",
        } <= set(tokens(scheme))


def test_of_figures_only_a_gain_is_colored() -> None:
    rules = re.findall(r"^([^{}@]*\bem\b[^{}]*)\{([^}]*)\}", SHEET, re.MULTILINE)
    assert [name.strip() for name, body in rules if "color:" in body] == ["h1 em.gain"]
