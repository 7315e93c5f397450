"""Rows of whole studies whose effects are known: any tasks, worlds, backbones and methods."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from presight.studies.cells import Arm, Cell, Mode, Row
from presight.studies.rows import packed

LABELS = (50, 100, 200, 400, 800)
IMAGES = 400


@dataclasses.dataclass(frozen=True)
class At:
    """What a planted score may depend on."""

    method: str
    backbone: str
    mode: Mode
    task: str
    world: str
    n_labels: int

    @property
    def pretrained(self) -> bool:
        return self.method != "none"

    @property
    def doublings(self) -> float:
        """Of labels, over the fewest."""
        return math.log2(self.n_labels / LABELS[0])

    @property
    def scratch(self) -> float:
        """Eight points for each doubling."""
        return 0.30 + 0.08 * self.doublings


def study(
    score: Callable[[At], float],
    *,
    methods: Sequence[str] = ("simclr", "vae", "none"),
    backbones: Sequence[str] = ("resnet9:8",),
    tasks: Sequence[str] = ("classification",),
    worlds: Sequence[str] = ("",),
    modes: Sequence[Mode] = ("frozen", "finetune"),
    labels: Sequence[int] = LABELS,
    seeds: int = 4,
    apart: float = 0.01,
    draw: int = 0,
    images: int = IMAGES,
    details: Callable[[At, int], Mapping[str, Any]] = lambda at, seed: {},
) -> list[Row]:
    """Rows with planted scores.

    Images differ in difficulty, as in life; pretrained weights of a seed are good or bad for all
    that is measured of them, and every cell has luck of its own.
    """
    generator = np.random.default_rng(draw)
    difficulty = {(task, world): generator.random(images) for task in tasks for world in worlds}
    found = []
    for method in methods:
        for backbone in backbones:
            for world in worlds:
                weights = apart * generator.standard_normal(seeds)
                for task in tasks:
                    for mode in modes:
                        for n in labels:
                            at = At(method, backbone, mode, task, world, n)
                            for seed in range(seeds):
                                luck = weights[seed] + apart * generator.standard_normal()
                                answers = difficulty[task, world] < score(at) + luck
                                found.append(_row(at, seed, answers, details(at, seed)))
    return found


def _row(at: At, seed: int, answers: np.ndarray, details: Mapping[str, Any]) -> Row:
    right = answers.astype(np.float64)
    arm = Arm(at.method, at.backbone, at.world if at.pretrained else "")
    cell = Cell(arm, at.mode, at.n_labels, seed, at.task, at.world)
    return Row(cell, {"score": right.mean()}, {"score": packed(right)}, len(right), 1.0, details)


def trace(steps: float, final: float, luck: float) -> dict[str, Any]:
    """A score that rises towards its end, to 95 % of it in so many updates."""
    updates = [10 * 2**k for k in range(8)]
    scores = [final * (1 - 0.05 ** (at / steps)) * (1 + luck) for at in updates]
    return {"trace": {"updates": updates, "scores": scores}}
