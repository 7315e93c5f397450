"""The place where a study's cells are measured: opens what they need, once a process."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from presight.core import automatic
from presight.core.settings import Settings
from presight.data.canvas import default_cache
from presight.evaluation import counts
from presight.evaluation.finetune import RATES, StepBudget
from presight.evaluation.tasks.sets import divide_task, task_named
from presight.pretraining.labels import Forms, open_task_set
from presight.store.environment import version_of
from presight.studies.arms import Arms
from presight.studies.bench import Bench
from presight.studies.cells import ANCHORS, BLIND, NONE, Arm, Cell, Row, key
from presight.studies.plan import Plan
from presight.studies.rows import write_row
from presight.training.runtime import Runtime

HELD_OUT = 0.2
"""Of the labels, that are measured on where there is no test set."""


class Desk:
    """Knows a plan's cells, and measures them.

    Args:
        plan: what is asked.
        out: the study's folder.
        quiet: without progress.
        told: goes into the details of every row, plain JSON.

    Attributes:
        arms: the study's.
        notes: what is odd about labels that were opened.
    """

    def __init__(
        self,
        plan: Plan,
        out: Path,
        *,
        quiet: bool = False,
        told: Mapping[str, Any] | None = None,
    ) -> None:
        self.plan, self.out, self.quiet, self.told = plan, out, quiet, told or {}
        self.arms = Arms(plan, out)
        self.notes: list[str] = []
        self._runtime = Runtime(plan.device, "fp32")
        self.bench = functools.cache(self._opened)
        # Cells of an arm and a repetition stand together: its backbone is loaded once.
        self._network = functools.lru_cache(maxsize=1)(self.arms.network)

    def close(self) -> None:
        """Leave the device as it was."""
        self._runtime.close()

    def cells(self) -> list[Cell]:
        """All cells, whole repetitions first: a study that is stopped early has fewer seeds.

        Those of an arm and a repetition stand together. Anchors have cells too, and scratch has
        one with all labels, which is maximal supervision.
        """
        arms = [*self.arms.all(), *(Arm(name, "") for name in ANCHORS)]
        return [
            cell
            for seed in range(self.plan.seeds)
            for arm in arms
            for on in self.arms.measured_on(arm)
            for task in self._tasks(on)
            for cell in self._grid(arm, seed, task, on)
        ]

    def label_counts(self, task: str, on: str) -> list[int]:
        """Numbers of labels that are learned from."""
        bench = self.bench(task, on)
        rows, classes = len(bench.division.train_rows), bench.division.classes
        found = counts.read(self.plan.label_counts, rows, classes)
        if bench.probes:
            news = [f"{task}: {line}" for line in counts.told(found, classes)]
            self.notes += [line for line in news if line not in self.notes]
        return found

    def place(self, cell: Cell) -> Path:
        """Where a cell's row is, or will be."""
        told = {
            **self.bench(cell.task, cell.measured_on).protocol,
            "arm": self.arms.asked(cell.arm, cell.seed),
            "presight": version_of("presight"),
        }
        return self.out / "cells" / f"{key(cell, told)}.json"

    def measure(self, cell: Cell) -> Row:
        """The row of a cell, measured now and written."""
        arm, seed = cell.arm, cell.seed
        backbone = None if arm.method == BLIND else self._network(arm, seed)
        bench = self.bench(cell.task, cell.measured_on)
        row = bench.measure(cell, backbone, {**self.told, **self.arms.told(arm, seed)})
        write_row(self.place(cell), row)
        return row

    def images(self, row: Row) -> list[str]:
        """Identities of the test images of a row."""
        division = self.bench(row.cell.task, row.cell.measured_on).division
        return [division.test.identities[at] for at in division.test_rows.tolist()]

    def _tasks(self, on: str) -> tuple[str, ...]:
        return self.plan.world(on).tasks or self.plan.tasks

    def _grid(self, arm: Arm, seed: int, task: str, on: str) -> Iterator[Cell]:
        labels = self.label_counts(task, on)
        anchor = arm.method in ANCHORS
        for mode in ("frozen",) if anchor else self.plan.modes:
            yield from (Cell(arm, mode, n, seed, task, on) for n in labels)
        most = len(self.bench(task, on).division.train_rows)
        if arm.method == NONE and most not in labels and "finetune" in self.plan.modes:
            yield Cell(arm, "finetune", most, seed, task, on)
        if self.plan.stages and not anchor and "frozen" in self.plan.modes:
            for stage in range(1, self.arms.stages(arm.backbone)):
                yield Cell(arm, "frozen", labels[-1], seed, task, on, stage)

    def _opened(self, task: str, on: str) -> Bench:
        plan, world = self.plan, self.plan.world(on)
        settings = dataclasses.replace(Settings(), quiet=self.quiet)
        side = automatic.cache_side(plan.image_size).number
        task_named(task)
        open_set = functools.partial(
            open_task_set, task, settings=settings, side=side, warnings=self.notes,
            forms=plan.forms or Forms(), size=plan.image_size,
        )  # fmt: skip
        train = open_set(world.labels)
        test = open_set(world.test, learned=train) if world.test else None
        return Bench(
            divide_task(train, test, HELD_OUT, 0),
            size=plan.image_size,
            budget=StepBudget(least=plan.updates, rates=plan.rates or RATES),
            runtime=self._runtime,
            cache=default_cache() / "features",
        )
