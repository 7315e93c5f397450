"""evaluate_task(): what a run is worth on a task, frozen or fine-tuned; the model may be kept."""

from __future__ import annotations

import dataclasses
import functools
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from presight.core import automatic
from presight.core.settings import Settings
from presight.data.duplicates import find_duplicates
from presight.data.source import name_of, shown
from presight.evaluation import counts
from presight.evaluation.finetune import StepBudget, Trained
from presight.evaluation.kept import Facts, plain, save_model
from presight.evaluation.learned import history, learned
from presight.evaluation.outcomes import (
    PRETRAINED,
    Outcome,
    interval,
    outcome_table,
    sentence,
    write_outcomes,
)
from presight.evaluation.score import weights_of
from presight.evaluation.tasks.sets import TaskDivision, divide_task
from presight.evaluation.tasks.task import Influence, Judged
from presight.pretraining import markup
from presight.pretraining.data import counted
from presight.pretraining.labels import Forms, open_task_set
from presight.restore import Origin, load_backbone, origin_of, untrained_backbone
from presight.store import atomic
from presight.store.folder import RunFolder
from presight.training.runtime import Runtime

BY_IMAGE = "by-image.npz"
"""Each figure's part by test image."""

HELD_OUT = 0.2
"""Of the labels, that are measured on where there is no test set."""

BLIND = "blind guess"
_REFERENCE = {"frozen": "untrained", "finetune": "from scratch"}


@dataclass(frozen=True)
class Question:
    """What is asked of a run.

    Args:
        task: its name.
        mode: frozen or finetune.
        labels: as the user named them.
        test: the test set; by default a part of the labels is held out.
        label_counts: numbers of labels to learn from; auto is all.
        updates: least updates of learning.
        seed: of the hold-outs, the heads and all draws.
        device: auto, cpu, cuda, mps or xpu.
        forms: how labels are read.
        keep: the model of the most labels is written.
    """

    task: str
    mode: str
    labels: str
    test: str
    label_counts: str
    updates: int
    seed: int
    device: str
    forms: Forms
    keep: bool


@dataclass(frozen=True)
class Answered:
    """Figures of a run on a task.

    Args:
        folder: of the evaluation, in the run folder.
        outcomes: all figures of all rows; the first metric is the task's own.
        mode: frozen or finetune.
        warnings: about the data.
        model: the file that was kept, or None.
    """

    folder: Path
    outcomes: Sequence[Outcome]
    mode: str
    warnings: Sequence[str] = ()
    model: Path | None = None

    @property
    def summary(self) -> dict[str, Any]:
        """Figures with the most labels, and the verdict."""
        most = max(one.n_train for one in self.outcomes)
        values = {
            f"{one.row}/{one.metric}": one.value for one in self.outcomes if one.n_train == most
        }
        return {
            "folder": str(self.folder),
            "verdict": sentence(self.outcomes, self.mode),
            "scores": values,
            "model": str(self.model) if self.model else None,
        }

    def score(self, row: str, metric: str) -> float:
        """A figure, with the most labels."""
        found = [one for one in self.outcomes if (one.row, one.metric) == (row, metric)]
        if not found:
            raise KeyError(f"{row}, {metric}")
        return max(found, key=lambda one: one.n_train).value

    def lines(self) -> list[str]:
        """Warnings about the data, the table, the verdict, and where the model is."""
        return [
            *(f"note: {text}" for text in self.warnings),
            *outcome_table(self.outcomes),
            "95 % intervals over test images",
            sentence(self.outcomes, self.mode),
            *([f"model {self.model}"] if self.model else []),
        ]

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return markup.frame(markup.preformatted(self.lines()))


def evaluate_task(folder: RunFolder, question: Question, settings: Settings) -> Answered:
    """Learn with every number of labels, from the run's network and from one without training.

    Args:
        folder: of the run.
        question: what is asked.
        settings: limits, cache folder, quiet, plugin.
    """
    work = _Work(folder, question, settings)
    try:
        return work.answer()
    finally:
        work.runtime.close()


class _Work:
    """One evaluation under way."""

    def __init__(self, folder: RunFolder, question: Question, settings: Settings) -> None:
        self.folder, self.question, self.settings = folder, question, settings
        self.origin: Origin = origin_of(folder.path, settings.plugin)
        self.warnings: list[str] = []
        self.division = self._opened()
        self.runtime = Runtime(question.device, "fp32")
        self.parts: dict[str, Influence] = {}
        self.histories: dict[str, Any] = {}

    def answer(self) -> Answered:
        asked, rows = self.question, self.division.train_rows
        held = len(self.division.test_rows) if self.division.kind != "given" else 0
        text = "all" if asked.label_counts == "auto" else asked.label_counts
        amounts = counts.read(text, len(rows), self.division.classes, held)
        self.warnings += counts.told(amounts, self.division.classes)
        found: list[Outcome] = []
        kept: Trained | None = None
        for n in amounts:
            kept, outcomes = self._with_labels(n)
            found += outcomes
        order = {metric.name: place for place, metric in enumerate(self.division.test.task.metrics)}
        found.sort(key=lambda one: order[one.metric])
        place = self.folder.evaluation(self._name())
        self._write(place, found)
        model = self._keep(place, kept, found) if asked.keep and kept is not None else None
        return Answered(place, found, asked.mode, self.warnings, model)

    def _opened(self) -> TaskDivision:
        asked, size = self.question, self.origin.image_size
        side = automatic.cache_side(size).number
        open_set = functools.partial(
            open_task_set, asked.task, settings=self.settings, side=side, warnings=self.warnings,
            forms=asked.forms, size=size,
        )  # fmt: skip
        train = open_set(asked.labels)
        test = open_set(asked.test, learned=train) if asked.test else None
        division = divide_task(train, test, HELD_OUT, asked.seed)
        shared = find_duplicates(division.test.images, division.test_rows, division.train.images,
                                 division.train_rows)  # fmt: skip
        self.warnings += shared.words("test images", "training images")
        return division

    def _with_labels(self, n: int) -> tuple[Trained, list[Outcome]]:
        """The run's model that learned n labels, and the figures of all rows."""
        asked, split = self.question, self.division
        rows = split.subset(n, asked.seed)
        reference = _REFERENCE[asked.mode]
        pretrained, answers = self._learned(PRETRAINED, rows)
        _, others = self._learned(reference, rows)
        blind = split.train.task.blind(rows, split.test.task, split.test_rows)
        judged: dict[str, Judged] = {PRETRAINED: answers, reference: others, BLIND: blind}
        scores = {
            row: split.test.task.score(found, split.test_rows) for row, found in judged.items()
        }
        for row, figures in scores.items():
            self.parts |= {f"{row}/{name}/{n}": part for name, part in figures.items()}
        return pretrained, self._outcomes(scores, n)

    def _learned(self, row: str, rows: Tensor) -> tuple[Trained, Judged]:
        asked, plugin = self.question, self.settings.plugin
        network = (
            load_backbone(self.folder.path, plugin)
            if row == PRETRAINED
            else untrained_backbone(self.origin)
        )
        what = f"learning, {row}, {len(rows):,} labels: update"
        trained, found = learned(
            self.division, network, rows, size=self.origin.image_size,
            frozen=asked.mode == "frozen", budget=StepBudget(least=asked.updates),
            seed=asked.seed, runtime=self.runtime,
            progress=counted(what, self.settings.quiet, estimate=True),
        )  # fmt: skip
        self.histories[f"{row}/{len(rows)}"] = history(trained)
        return trained, found

    def _outcomes(self, scores: Mapping[str, Mapping[str, Influence]], n: int) -> list[Outcome]:
        found = []
        for metric in self.division.test.task.metrics:
            share = metric.unit == "%"
            for row, figures in scores.items():
                part = figures[metric.name]
                above = {
                    other: list(interval(part - scores[other][metric.name]))
                    for other in scores
                    if row == PRETRAINED and other != row
                }
                ends = interval(part, share=share)
                found.append(Outcome(row, metric.name, metric.unit, metric.higher_is_better,
                                     *ends, n, above))  # fmt: skip
        return found

    def _name(self) -> str:
        """Of the evaluation's folder: the same question about the same images has the same name."""
        asked, split = self.question, self.division
        sets = [split.train] if split.test is split.train else [split.train, split.test]
        prints = (one.fingerprint[:8] for one in sets)
        return "-".join([asked.task, asked.mode, f"seed{asked.seed}", *prints])

    def _protocol(self) -> dict[str, Any]:
        asked, split = self.question, self.division
        return {
            "task": asked.task,
            "mode": asked.mode,
            "labels": shown(asked.labels),
            "test": shown(asked.test) or "a fifth of the labels, held out by class",
            "split": split.kind,
            "n_test": len(split.test_rows),
            "train_fingerprint": split.train.fingerprint,
            "test_fingerprint": split.test.fingerprint,
            "view_size": self.origin.image_size,
            "budget": dataclasses.asdict(StepBudget(least=asked.updates)),
            "seed": asked.seed,
            "origin": self.origin.words(),
            "weights": weights_of(self.folder),
            "torch": torch.__version__,
            "warnings": list(self.warnings),
        }

    def _write(self, place: Path, found: Sequence[Outcome]) -> None:
        write_outcomes(place, found, {**self._protocol(), "learning": self.histories})
        split = self.division
        names = [split.test.identities[row] for row in split.test_rows.tolist()]
        buffer = io.BytesIO()
        held = {name: part.astype(np.float32) for name, part in self.parts.items()}
        arrays = {"identity": np.array(names, dtype=np.str_), **held}
        np.savez_compressed(buffer, allow_pickle=False, **arrays)
        atomic.write_bytes(place / BY_IMAGE, buffer.getvalue())

    def _keep(self, place: Path, trained: Trained, found: Sequence[Outcome]) -> Path:
        asked, task = self.question, self.division.train.task
        most = max(one.n_train for one in found)
        scores = {one.metric: one.value for one in found
                  if one.row == PRETRAINED and one.n_train == most}  # fmt: skip
        about = {"labels": name_of(asked.labels), "n_labels": most, "seed": asked.seed,
                 "weights": weights_of(self.folder), "scores": scores}  # fmt: skip
        facts = Facts(
            asked.task, task.names, task.settings, self.origin.image_size, asked.mode, about
        )
        return save_model(place, plain(trained.model), self.origin, facts)
