"""What a study's cells cost on this machine, measured by a few updates and images of each kind."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable

import torch

from presight.core.backbone import Backbone
from presight.evaluation.finetune import WATCHED, finetune, judged
from presight.evaluation.learned import TUNING_SHARE
from presight.evaluation.linear import linear_probe
from presight.evaluation.parts import FirstStages
from presight.studies.bench import Bench
from presight.studies.cells import BLIND, Cell

IMAGES, LABELS = 64, 256
"""That are answered, and learned from by a probe, when a kind is measured."""
WARM, TIMED = 2, 10
"""Updates that are done, and of another training, when a kind is measured."""


@dataclasses.dataclass(frozen=True)
class Work:
    """What a cell does.

    Args:
        updates: of the backbone with its head.
        images: that are answered, or whose features are made.
        labels: that a probe learns from.
    """

    updates: float
    images: float
    labels: float

    def __add__(self, other: Work) -> Work:
        return Work(
            self.updates + other.updates, self.images + other.images, self.labels + other.labels
        )

    def times(self, price: Work) -> float:
        """With seconds of each: seconds in all."""
        return (
            self.updates * price.updates + self.images * price.images + self.labels * price.labels
        )


MEASURED = Work(WARM + TIMED, 2 * IMAGES, LABELS)
"""What measuring a kind does at most."""


def work_of(bench: Bench, cell: Cell, *, first: bool) -> Work:
    """What a cell does.

    Args:
        bench: measures it.
        cell: which.
        first: of its backbone, task and world: features are made then.
    """
    if cell.arm.method == BLIND:
        return Work(0, 0, 0)
    division, n = bench.division, cell.n_labels
    if bench.probes and cell.mode == "frozen":
        other = 0 if division.test is division.train else len(division.test.images)
        images = len(division.train.images) + other
        return Work(0, images if first or cell.stage else 0, n)
    held, rates = round(TUNING_SHARE * n), len(bench.budget.rates)
    updates = rates * bench.budget.updates(n - held) + bench.budget.updates(n)
    return Work(updates, rates * WATCHED * held + len(division.test_rows), 0)


def relative(bench: Bench, cell: Cell) -> Work:
    """What an update, an image and a label of a cell's kind cost, in forward passes of an image."""
    batch = min(bench.budget.batch_size, len(bench.division.train.images))
    return Work(batch * (1.3 if cell.mode == "frozen" else 3.0), 1.0, 0.1)


def price(bench: Bench, cell: Cell, backbone: Backbone) -> Work:
    """Seconds of an update, an image and a label of a cell's kind, measured now.

    Args:
        bench: measures the cell.
        cell: of the kind.
        backbone: with any weights.
    """
    if cell.stage:
        backbone = FirstStages(backbone, cell.stage)
    division = bench.division
    rows = division.train_rows[:IMAGES]

    def learn(updates: int) -> None:
        budget = dataclasses.replace(
            bench.budget, least=updates, most=updates, rates=bench.budget.rates[:1]
        )
        finetune(
            bench.task, backbone, division.train.images, rows, size=bench.size,
            frozen=cell.mode == "frozen", budget=budget, runtime=bench.runtime,
        )  # fmt: skip

    model = bench.task.model(backbone).eval()

    def answer() -> None:
        judged(
            bench.task, model, division.train.images, rows,
            size=bench.size, device=bench.runtime.device,
        )  # fmt: skip

    answer()
    image = _seconds(answer) / len(rows)
    if bench.probes and cell.mode == "frozen":
        return Work(0.0, image, _of_probe(bench, backbone.dim))
    few = _seconds(lambda: learn(WARM))
    more = _seconds(lambda: learn(TIMED))
    return Work(max(more - few, 0.5 * more) / (TIMED - WARM), image, 0.0)


def _of_probe(bench: Bench, dim: int) -> float:
    """Seconds a label, of a probe of features that tell the classes a little."""
    rows = bench.division.train_rows[:LABELS]
    _, labels = torch.unique(bench.task.strata[rows], return_inverse=True)
    if len(torch.unique(labels)) < 2:
        return 0.0
    generator = torch.Generator().manual_seed(0)
    centers = torch.randn(int(labels.max()) + 1, dim, generator=generator)
    features = 0.5 * centers[labels] + torch.randn(len(rows), dim, generator=generator)
    return _seconds(lambda: linear_probe(features, labels)) / len(rows)


def _seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began
