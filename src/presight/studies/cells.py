"""The grid of a study: arms, cells, and a name for each that says what it depends on. No torch."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

Mode = Literal["frozen", "finetune"]
MODES: tuple[Mode, ...] = ("frozen", "finetune")
NONE = "none"
"""The method of an arm that is not pretrained: fine-tuned it is scratch, frozen untrained."""
IMAGENET = "imagenet"
"""The method of torchvision's weights, which were learned from ImageNet's labels."""
BLIND, PIXELS = "blind", "pixels"
"""Not arms but anchors: the best constant answer, and a frozen head on the pixels themselves."""
ANCHORS = (BLIND, PIXELS)


@dataclasses.dataclass(frozen=True, order=True)
class Arm:
    """A way to come to a backbone.

    Args:
        method: that pretrains it, none, imagenet, an anchor, or the path of a finished run.
        backbone: its name; "" for an anchor.
        images: name of the world whose images it saw; "" in a study of one world, and where it saw
            none of a world's.
    """

    method: str
    backbone: str
    images: str = ""

    def __str__(self) -> str:
        seen = f" of {self.images}" if self.images else ""
        return f"{self.method}{seen}" + (f" on {self.backbone}" if self.backbone else "")


@dataclasses.dataclass(frozen=True)
class Cell:
    """One measurement: an arm on a task, frozen or fine-tuned, with so many labels, once.

    Args:
        arm: whose backbone.
        mode: frozen or finetune.
        n_labels: learned from.
        seed: number of the repetition, from 0: pretraining, choice of labels, head and draws.
        task: its name.
        measured_on: name of the world whose labels it is of; "" in a study of one world.
        stage: k measures the backbone's map f_k alone, frozen; 0 the whole backbone.
    """

    arm: Arm
    mode: Mode
    n_labels: int
    seed: int
    task: str = "classification"
    measured_on: str = ""
    stage: int = 0


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


def key(cell: Cell, protocol: Mapping[str, Any]) -> str:
    """The name of a cell's file: readable, and another one where anything it depends on differs.

    Args:
        cell: which.
        protocol: the images' fingerprints, task, size, budget and all that the result depends on;
            plain JSON.
    """
    told = json.dumps([dataclasses.asdict(cell), protocol], sort_keys=True)
    digest = hashlib.blake2b(told.encode(), digest_size=6).hexdigest()
    words = (Path(cell.arm.method).name, cell.arm.backbone, cell.arm.images, cell.measured_on)
    plain = "-".join(
        "".join(c if c.isalnum() else "-" for c in word[-24:]) for word in words if word
    )
    what = f"{cell.task}{cell.stage or ''}-{cell.mode}-{cell.n_labels}-seed{cell.seed}"
    return f"{plain}-{what}-{digest}"


def _plain(word: str) -> str:
    return "".join(c if c.isalnum() or c == "=" else "-" for c in word)
