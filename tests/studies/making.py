"""Rows of studies whose answer is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from presight.studies.cells import Arm, Cell, Mode, Row
from presight.studies.rows import packed

LABELS = (50, 100, 200, 400, 800)
IMAGES = 2000


def rows(
    curves: Mapping[tuple[str, Mode], Sequence[float]],
    *,
    labels: Sequence[int] = LABELS,
    seeds: int = 5,
    apart: float = 0.004,
    backbone: str = "resnet9:8",
    draw: int = 0,
) -> list[Row]:
    """Rows of methods with given accuracies: images differ in difficulty, seeds in ability."""
    generator = np.random.default_rng(draw)
    difficulty = generator.random(IMAGES)
    found = []
    for (method, mode), values in curves.items():
        for n, value in zip(labels, values, strict=True):
            for seed in range(seeds):
                chance = value + apart * generator.standard_normal()
                right = (difficulty < chance).astype(np.float64)
                cell = Cell(Arm(method, backbone), mode, n, seed)
                found.append(
                    Row(
                        cell,
                        {"accuracy": right.mean()},
                        {"accuracy": packed(right)},
                        IMAGES,
                        1.0,
                        {},
                    )
                )
    return found
