"""Fine-tuning and heads on a frozen backbone: the same learner, on the trainer's one loop."""

from __future__ import annotations

import copy
import dataclasses
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Self

import torch
from torch import Tensor, nn

from presight.core.backbone import Backbone
from presight.core.batch import Out, Step, Views
from presight.core.draw import Draw, key_of
from presight.core.learner import EpochPlan, Learner, Player, Survey
from presight.core.plan import TrainPlan
from presight.data.canvas import Images
from presight.data.loader import Loader
from presight.errors import DataError
from presight.evaluation.features import Progress, frozen
from presight.evaluation.tasks.task import Headed, Judged, Task
from presight.training.loop import train
from presight.training.observers import Observer
from presight.training.runtime import Runtime

RATES = (3e-4, 1e-3, 3e-3, 1e-2)
"""Learning rates that are tried, of AdamW; the same for a pretrained and a new network."""

WATCHED = 8
"""Times a trial is scored on its way, evenly spaced, the last one at its end."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class StepBudget:
    """What learning from labels may cost: updates, not epochs, the same for every network.

    Few labels are repeated until the updates are done. In epochs a new network would be cut short
    where labels are few, and pretraining would seem to save what is only missing updates.

    Args:
        least: updates with the fewest labels.
        most: updates with many.
        per_label: updates a label, between the two.
        batch_size: images an update.
        rates: learning rates to choose among, on a held-out part of the labels.
    """

    least: int = 500
    most: int = 2000
    per_label: float = 0.2
    batch_size: int = 64
    rates: Sequence[float] = RATES

    def updates(self, labels: int) -> int:
        """Updates with so many labels."""
        return round(min(max(self.per_label * labels, self.least), self.most))


class FineTune(Learner):
    """A task's head on a backbone, learning from some rows of a labelled set.

    Args:
        task: makes the head and the loss.
        backbone: is trained in place, or left as it is.
        rows: int64 [n], samples to learn from; repeated where they are fewer than the set.
        frozen: only the head learns, on features of evaluation mode, normalized by channel where
            the head does not do it: features of different networks are then equally easy to learn.
        watch: told the number of updates that are done, after each.
    """

    def __init__(
        self,
        task: Task,
        backbone: Backbone,
        rows: Tensor,
        *,
        frozen: bool,
        watch: Callable[[int], None] | None = None,
    ) -> None:
        super().__init__()
        self.task, self.rows, self.frozen, self.watch = task, rows, frozen, watch
        self.model: Headed = task.model(backbone)
        if frozen:
            if self.model.pooled:
                normalized = nn.BatchNorm1d(backbone.dim, affine=False)
                self.model.head = nn.Sequential(normalized, self.model.head)
            backbone.requires_grad_(False)
            self.players = (Player("head", ("model.head",)),)
        self.train()

    def train(self, mode: bool = True) -> Self:
        """As of every module; a frozen backbone stays in evaluation mode."""
        super().train(mode)
        if self.frozen:
            self.model.backbone.eval()
        return self

    def begin_epoch(self, survey: Survey) -> EpochPlan:
        """Only the rows, as often as they fit into a pass."""
        times = -(-survey.n_samples // len(self.rows))
        return EpochPlan(indices=self.rows.repeat(times)[: survey.n_samples])

    def forward(self, views: Views, step: Step) -> Out:
        """The sum of the task's losses."""
        losses = self.task.losses(self.model, views)
        total = torch.stack(list(losses.values())).sum()
        return Out(total, {name: loss.detach() for name, loss in losses.items()})

    def after_update(self, step: Step) -> None:
        """Tell who watches."""
        if self.watch is not None:
            self.watch(step.number + 1)


@dataclasses.dataclass(frozen=True)
class Trained:
    """A model after learning from labels.

    Args:
        model: backbone and head, in evaluation mode.
        rate: the learning rate that was chosen.
        trials: score on the held-out part, by learning rate; empty where there was no choice.
        updates: done, without those of the trials.
        trace: score on the held-out part after so many updates of the chosen rate's trial.
    """

    model: Headed
    rate: float
    trials: Mapping[float, float]
    updates: int
    trace: Mapping[int, float] = dataclasses.field(default_factory=dict)


def finetune(
    task: Task,
    backbone: Backbone,
    images: Images,
    rows: Tensor,
    *,
    size: int,
    frozen: bool,
    budget: StepBudget,
    held_out: Tensor | None = None,
    seed: int = 0,
    runtime: Runtime | None = None,
    observers: Sequence[Observer] = (),
    progress: Progress | None = None,
) -> Trained:
    """Learn a task from labelled images, with the learning rate that a held-out part prefers.

    The trials learn from the rest of the rows; the model that is returned learns from all of them,
    with a head and augmentations of its own seed, and is that of the last update.

    Args:
        task: of the labelled set.
        backbone: a copy of it learns; the one that is given stays as it is.
        images: the labelled set's.
        rows: int64 [n], to learn from.
        size: side of a view, pixels.
        frozen: only the head learns.
        budget: updates, batch size and learning rates.
        held_out: bool [n], rows that judge the trials; None takes the middle rate.
        seed: of the head and of all draws.
        runtime: device and precision; by default the machine's own.
        observers: are shown records of the last training.
        progress: told updates done and in all, those of the trials among them.

    Raises:
        DataError: no rows. Diverged: a loss was not finite twice.
    """
    if not len(rows):
        raise DataError("no labelled images to learn from.")
    runtime = runtime or Runtime()
    rates, updates = sorted(budget.rates), budget.updates(len(rows))
    total, done = updates, itertools.count(1)

    def count() -> None:
        if progress is not None:
            progress(next(done), total)

    work = _Work(task, backbone, images, size, frozen, budget, runtime, count)
    traces: dict[float, dict[int, float]] = {}
    if held_out is not None and len(rates) > 1 and bool(held_out.any()):
        total += len(rates) * budget.updates(int((~held_out).sum()))
        traces = {rate: work.trial(rows, held_out, rate, seed) for rate in rates}
    trials = {rate: list(trace.values())[-1] for rate, trace in traces.items()}
    # Of equal scores the middle rate: a small held-out part often cannot tell them apart.
    order = sorted(rates, key=lambda rate: (abs(rates.index(rate) - len(rates) // 2), rate))
    best = max(order, key=lambda rate: trials.get(rate, 0.0))
    model = work.learn(rows, best, seed, updates, observers)
    return Trained(model.eval(), best, trials, updates, traces.get(best, {}))


@dataclasses.dataclass(frozen=True)
class _Work:
    task: Task
    backbone: Backbone
    images: Images
    size: int
    frozen: bool
    budget: StepBudget
    runtime: Runtime
    count: Callable[[], None]

    def learn(
        self,
        rows: Tensor,
        rate: float,
        seed: int,
        updates: int,
        observers: Sequence[Observer] = (),
        watch: Callable[[Headed, int], None] | None = None,
    ) -> Headed:
        """A model that learned from the rows."""
        torch.default_generator.manual_seed(key_of(seed, "head") >> 1)
        learner = FineTune(self.task, copy.deepcopy(self.backbone), rows, frozen=self.frozen)

        def watched(number: int) -> None:
            self.count()
            if watch is not None:
                watch(learner.model, number)

        learner.watch = watched
        batch = min(self.budget.batch_size, len(self.images))
        loader = Loader(self.images, batch_size=batch, seed=seed, device=self.runtime.device)
        plan = TrainPlan(
            epochs=updates / loader.updates_per_epoch,
            batch_size=batch,
            optimizer="adamw",
            lr=rate,
            lr_scaling="none",
            weight_decay=0.01,
            warmup_epochs=0.05 * updates / loader.updates_per_epoch,
            precision="fp32",
            seed=seed,
        )
        recipe = self.task.views(self.size, augment=True)
        train(learner, loader, recipe=recipe, plan=plan, runtime=self.runtime, observers=observers)
        return learner.model

    def trial(self, rows: Tensor, held_out: Tensor, rate: float, seed: int) -> dict[int, float]:
        """The headline score of the held-out rows while the others are learned, by updates."""
        kept, judges = rows[~held_out], rows[held_out]
        updates = self.budget.updates(len(kept))
        at = {round(updates * (k + 1) / WATCHED) for k in range(WATCHED)}
        trace: dict[int, float] = {}

        def watch(model: Headed, number: int) -> None:
            if number in at:
                trace[number] = self._score(model, judges)

        self.learn(kept, rate, seed, updates, watch=watch)
        return trace

    def _score(self, model: Headed, rows: Tensor) -> float:
        found = judged(
            self.task, model, self.images, rows, size=self.size, device=self.runtime.device
        )
        return float(self.task.score(found, rows)[self.task.metrics[0].name].mean())


def judged(
    task: Task,
    model: Headed,
    images: Images,
    rows: Tensor,
    *,
    size: int,
    device: torch.device | str = "cpu",
    batch_size: int = 256,
    progress: Progress | None = None,
) -> Judged:
    """What a task's figures need of a model's answers to some rows, in their order.

    Args:
        task: of the set that the rows are of.
        model: backbone and head; left as it is.
        images: the set's.
        rows: int64 [n].
        size: side of a view, pixels.
        device: where the model runs.
        batch_size: images at a time.
        progress: told images done and in all.
    """
    device = torch.device(device)
    recipe = task.views(size, augment=False)
    parts: list[Judged] = []
    with frozen(model, device):
        for start in range(0, len(rows), batch_size):
            some = rows[start : start + batch_size]
            batch = images.batch(some).to(device)
            view = recipe(batch, Draw(0, 0, batch.index))["view"].to(device)
            parts.append(task.judge(task.predict(model, view), some))
            if progress is not None:
                progress(min(start + batch_size, len(rows)), len(rows))
    tensors = [part for part in parts if isinstance(part, Tensor)]
    return torch.cat(tensors) if tensors else [one for part in parts for one in part]
