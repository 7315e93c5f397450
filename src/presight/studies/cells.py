"""The grid of a study: arms, cells, and a name for each that says what it depends on. No torch."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

Mode = Literal["frozen", "finetune"]
MODES: tuple[Mode, ...] = ("frozen", "finetune")
NONE = "none"
"""The method of an arm that is not pretrained: fine-tuned it is scratch, frozen untrained."""


@dataclasses.dataclass(frozen=True, order=True)
class Arm:
    """A way to come to a backbone.

    Args:
        method: that pretrains it, none, or the path of a finished run.
        backbone: its name.
    """

    method: str
    backbone: str

    def __str__(self) -> str:
        return f"{self.method} on {self.backbone}"


@dataclasses.dataclass(frozen=True)
class Cell:
    """One measurement: an arm, frozen or fine-tuned, with so many labels, once.

    Args:
        arm: whose backbone.
        mode: frozen or finetune.
        n_labels: learned from.
        seed: number of the repetition, from 0: pretraining, choice of labels, head and draws.
    """

    arm: Arm
    mode: Mode
    n_labels: int
    seed: int


@dataclasses.dataclass(frozen=True)
class Row:
    """What a cell measured.

    Args:
        cell: which.
        values: by metric; shares in [0, 1].
        influences: by metric, the score's part by test image, packed; see `rows`.
        n_test: images of the test part.
        seconds: it took.
        details: learning rate or strength, trials, updates; plain JSON.
    """

    cell: Cell
    values: Mapping[str, float]
    influences: Mapping[str, str]
    n_test: int
    seconds: float
    details: Mapping[str, Any]


def grid(
    arms: Sequence[Arm], modes: Sequence[Mode], label_counts: Sequence[int], seeds: int
) -> list[Cell]:
    """All cells, whole repetitions first: a study that is stopped early has fewer seeds.

    Args:
        arms: of the study.
        modes: frozen, finetune or both.
        label_counts: numbers of labels.
        seeds: repetitions.
    """
    return [
        Cell(arm, mode, n, seed)
        for seed in range(seeds)
        for arm in arms
        for mode in modes
        for n in label_counts
    ]


def key(cell: Cell, protocol: Mapping[str, Any]) -> str:
    """The name of a cell's file: readable, and another one where anything it depends on differs.

    Args:
        cell: which.
        protocol: the images' fingerprints, task, size, budget and all that the result depends on;
            plain JSON.
    """
    told = json.dumps([dataclasses.asdict(cell), protocol], sort_keys=True)
    digest = hashlib.blake2b(told.encode(), digest_size=6).hexdigest()
    plain = "".join(c if c.isalnum() else "-" for c in f"{cell.arm.method}-{cell.arm.backbone}")
    return f"{plain[-60:]}-{cell.mode}-{cell.n_labels}-seed{cell.seed}-{digest}"
