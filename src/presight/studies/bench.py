"""What measures a study's cells: labelled images, one task, one runtime, opened once."""

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
from presight.evaluation.finetune import StepBudget, finetune, judged
from presight.evaluation.labelled import Division
from presight.evaluation.linear import linear_probe
from presight.evaluation.split import stratified_split
from presight.evaluation.tasks.classification import Classification
from presight.evaluation.tasks.task import Judged
from presight.studies.cells import Cell, Row
from presight.studies.rows import packed
from presight.training.runtime import Runtime

TUNING_SHARE = 0.2
"""Of the labels, that judges learning rates."""


class Bench:
    """Measures cells.

    Args:
        division: images to learn from and to measure on.
        size: side of a view, pixels.
        budget: of fine-tuning.
        runtime: device and precision.
        cache: folder for features.
    """

    def __init__(
        self,
        division: Division,
        *,
        size: int,
        budget: StepBudget,
        runtime: Runtime,
        cache: Path | None,
    ) -> None:
        self.division, self.size, self.budget = division, size, budget
        self.runtime, self.cache = runtime, cache
        classes = len(division.train.classes)
        self.task = Classification(division.train.labels, classes)
        truth = torch.full((len(division.test.labels),), -1)
        truth[division.test_rows] = division.test_labels
        self.tested = Classification(truth, classes)
        self._features = lru_cache(maxsize=2)(self._extracted)

    @property
    def protocol(self) -> Mapping[str, Any]:
        """What every row depends on, plain JSON."""
        split = self.division
        return {
            "task": self.task.name,
            "train": split.train.fingerprint,
            "test": split.test.fingerprint,
            "split": split.kind,
            "n_test": len(split.test_rows),
            "size": self.size,
            "budget": dataclasses.asdict(self.budget),
        }

    def measure(self, cell: Cell, backbone: Backbone, weights: Mapping[str, Any]) -> Row:
        """The row of a cell.

        Args:
            cell: which.
            backbone: of its arm and seed.
            weights: where they come from, plain JSON.
        """
        began = time.monotonic()
        rows = self.division.train_rows[self.division.subset(cell.n_labels, cell.seed)]
        work = self._probed if cell.mode == "frozen" else self._finetuned
        predicted, details = work(backbone, rows, cell.seed)
        found = self.tested.score(predicted, self.division.test_rows)
        return Row(
            cell,
            {name: float(parts.mean()) for name, parts in found.items()},
            {name: packed(parts) for name, parts in found.items()},
            len(predicted),
            time.monotonic() - began,
            {**weights, **details},
        )

    def _probed(self, backbone: Backbone, rows: Tensor, seed: int) -> tuple[Judged, dict[str, Any]]:
        """Predictions of a linear probe on frozen features."""
        bank, queries = self._features(backbone)
        labels = self.division.train.labels[rows]
        if len(torch.unique(labels)) == 1:
            return labels[:1].expand(len(self.division.test_rows)), {"classes_seen": 1}
        probe = linear_probe(bank[rows], labels, seed=seed)
        told = {"strength": probe.strength, "converged": probe.converged}
        return probe.predict(queries[self.division.test_rows]).cpu(), told

    def _extracted(self, backbone: Backbone) -> tuple[Tensor, Tensor]:
        """Features of all training images and of all test images."""
        digest = backbone_digest(backbone)
        device = self.runtime.device

        def of(part: Any) -> Tensor:
            return cached(
                digest, part.fingerprint, self.size, self.cache,
                lambda: extract(backbone, part.images, size=self.size, device=device),
            )  # fmt: skip

        split = self.division
        bank = of(split.train)
        return bank, bank if split.test is split.train else of(split.test)

    def _finetuned(
        self, backbone: Backbone, rows: Tensor, seed: int
    ) -> tuple[Judged, dict[str, Any]]:
        """Predictions of a network that learned as a whole."""
        split = self.division
        trained = finetune(
            self.task,
            backbone,
            split.train.images,
            rows,
            size=self.size,
            frozen=False,
            budget=self.budget,
            held_out=self._judges(rows, seed),
            seed=seed,
            runtime=self.runtime,
        )
        found = judged(
            self.tested, trained.model, split.test.images, split.test_rows,
            size=self.size, device=self.runtime.device,
        )  # fmt: skip
        told = {
            "rate": trained.rate,
            "trials": {str(rate): score for rate, score in trained.trials.items()},
            "updates": trained.updates,
        }
        return found, told

    def _judges(self, rows: Tensor, seed: int) -> Tensor:
        """Which of the rows judge learning rates, bool [n]: a fifth by class, if it has so many."""
        train = self.division.train
        _, held = stratified_split(
            train.labels[rows], TUNING_SHARE, seed, "tuning", train.keys(rows)
        )
        judges = torch.zeros(len(rows), dtype=torch.bool)
        judges[held] = True
        return judges
