"""What measures a study's cells: a labelled set for one task, opened once."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from presight.core.backbone import Backbone
from presight.evaluation.features import backbone_digest, cached, extract
from presight.evaluation.finetune import StepBudget, finetune
from presight.evaluation.kept import probed
from presight.evaluation.learned import history, learned
from presight.evaluation.linear import linear_probe
from presight.evaluation.parts import FirstStages
from presight.evaluation.tasks.classification import Classification
from presight.evaluation.tasks.multilabel import Multilabel
from presight.evaluation.tasks.sets import TaskDivision, TaskSet
from presight.evaluation.tasks.task import Headed, Judged
from presight.studies.cells import Cell, Row
from presight.studies.rows import packed
from presight.training.runtime import Runtime


class Bench:
    """Measures cells of one task on one labelled set.

    Args:
        division: images to learn from and to measure on.
        size: side of a view, pixels.
        budget: of learning.
        runtime: device and precision.
        cache: folder for features.
    """

    def __init__(
        self,
        division: TaskDivision,
        *,
        size: int,
        budget: StepBudget,
        runtime: Runtime,
        cache: Path | None,
    ) -> None:
        self.division, self.size, self.budget = division, size, budget
        self.runtime, self.cache = runtime, cache
        self.task, self.tested = division.train.task, division.test.task
        # One class of an image: its probe is exact, and features are made once for all cells.
        kind = type(self.task)
        self.probes = issubclass(kind, Classification) and not issubclass(kind, Multilabel)
        self.features = lru_cache(maxsize=2)(self._extracted)

    @property
    def protocol(self) -> Mapping[str, Any]:
        """What every row depends on, plain JSON."""
        split = self.division
        return {
            "train": split.train.fingerprint,
            "test": split.test.fingerprint,
            "split": split.kind,
            "n_test": len(split.test_rows),
            "size": self.size,
            "budget": dataclasses.asdict(self.budget),
        }

    def measure(self, cell: Cell, backbone: Backbone | None, told: Mapping[str, Any]) -> Row:
        """The row of a cell.

        Args:
            cell: which.
            backbone: of its arm and seed; None measures the best constant answer.
            told: goes into the row's details, plain JSON.
        """
        began = time.monotonic()
        rows = self.division.subset(cell.n_labels, cell.seed)
        if backbone is not None and cell.stage:
            backbone = FirstStages(backbone, cell.stage)
        found, details = self._answers(cell, backbone, rows)
        scores = self.tested.score(found, self.division.test_rows)
        return Row(
            cell,
            {name: float(parts.mean()) for name, parts in scores.items()},
            {name: packed(parts) for name, parts in scores.items()},
            len(self.division.test_rows),
            time.monotonic() - began,
            {**told, **details, "skipped": self.tested.skipped(found)},
        )

    def again(self, cell: Cell, backbone: Backbone, details: Mapping[str, Any]) -> Headed:
        """The model that a cell's row was measured with, learned once more, without its trials.

        Args:
            cell: of the whole backbone.
            backbone: of its arm and seed.
            details: of its row.
        """
        rows = self.division.subset(cell.n_labels, cell.seed)
        if self.probes and cell.mode == "frozen":
            assert isinstance(self.task, Classification)
            bank, _ = self.features(backbone)
            probe = linear_probe(bank[rows], self.task.labels[rows], seed=cell.seed)
            return probed(backbone, probe, self.task.classes)
        return finetune(
            self.task,
            backbone,
            self.division.train.images,
            rows,
            size=self.size,
            frozen=cell.mode == "frozen",
            budget=dataclasses.replace(self.budget, rates=(details["rate"],)),
            seed=cell.seed,
            runtime=self.runtime,
        ).model

    def _answers(
        self, cell: Cell, backbone: Backbone | None, rows: Tensor
    ) -> tuple[Judged, dict[str, Any]]:
        if backbone is None:
            return self.task.blind(rows, self.tested, self.division.test_rows), {}
        if self.probes and cell.mode == "frozen":
            return self._probed(backbone, rows, cell.seed)
        return self._learned(backbone, rows, cell)

    def _probed(self, backbone: Backbone, rows: Tensor, seed: int) -> tuple[Judged, dict[str, Any]]:
        """Predictions of a linear probe on frozen features."""
        assert isinstance(self.task, Classification)
        bank, queries = self.features(backbone)
        labels = self.task.labels[rows]
        if len(torch.unique(labels)) == 1:
            return labels[:1].expand(len(self.division.test_rows)), {"classes_seen": 1}
        probe = linear_probe(bank[rows], labels, seed=seed)
        told = {"strength": probe.strength, "converged": probe.converged}
        return probe.predict(queries[self.division.test_rows]).cpu(), told

    def _extracted(self, backbone: Backbone) -> tuple[Tensor, Tensor]:
        """Features of all training images and of all test images."""
        digest = backbone_digest(backbone)
        if isinstance(backbone, FirstStages):
            digest += f"-f{backbone.last}"
        device = self.runtime.device

        def of(part: TaskSet) -> Tensor:
            return cached(
                f"{digest}-{backbone.source}", part.fingerprint, self.size, self.cache,
                lambda: extract(backbone, part.images, size=self.size, device=device),
            )  # fmt: skip

        split = self.division
        bank = of(split.train)
        return bank, bank if split.test is split.train else of(split.test)

    def _learned(
        self, backbone: Backbone, rows: Tensor, cell: Cell
    ) -> tuple[Judged, dict[str, Any]]:
        """Answers of a head, or of a network with it, that learned by gradient."""
        trained, found = learned(
            self.division, backbone, rows, size=self.size, frozen=cell.mode == "frozen",
            budget=self.budget, seed=cell.seed, runtime=self.runtime,
        )  # fmt: skip
        return found, history(trained)
