"""Trial: a method at its smallest, on pictures in memory, as all generic tests run it."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from presight.core import plugins, registry
from presight.core.backbone import Encoders
from presight.core.batch import Batch, DataSpec, Step, Views
from presight.core.draw import Draw
from presight.core.learner import Learner
from presight.core.method import Method
from presight.core.plan import TrainPlan
from presight.data.loader import Loader
from presight.nn.norm import SplitBatchNorm
from presight.testing.tiny import tiny_batch, tiny_encoders
from presight.training.loop import begin_epoch, train
from presight.training.observers import Observer
from presight.training.runtime import Runtime
from presight.training.saver import Saver
from presight.training.session import Session
from presight.training.turn import assign

ENOUGH = 16
"""Whole numbers above this count more than a test needs, and are cut to it."""


class Pictures:
    """Smooth pictures in memory, all of one size.

    Args:
        count: how many.
        side: pixels.
    """

    def __init__(self, count: int, side: int) -> None:
        self._images = tiny_batch(count, side).images
        self.sizes: NDArray[np.int64] = np.full((count, 2), side, dtype=np.int64)

    def __len__(self) -> int:
        return len(self._images)

    def batch(self, index: Tensor) -> Batch:
        """Pictures by index."""
        return Batch.of(self._images[index], index)


def small_options(method: type[Method]) -> dict[str, Any]:
    """Options that make a method small: every default whole number above 16 becomes 16.

    Sizes of queues, numbers of clusters and widths of heads are such numbers, alone or in tuples.
    """
    found: dict[str, Any] = {}
    for name, parameter in inspect.signature(method.__init__).parameters.items():
        value = parameter.default
        if parameter.kind is not parameter.KEYWORD_ONLY:
            continue
        if isinstance(value, int) and not isinstance(value, bool) and value > ENOUGH:
            found[name] = ENOUGH
        elif isinstance(value, tuple) and any(isinstance(v, int) and v > ENOUGH for v in value):
            found[name] = tuple(ENOUGH if isinstance(v, int) and v > ENOUGH else v for v in value)
    return found


@dataclasses.dataclass(frozen=True)
class Trial:
    """A method, its options and a plan of a few updates.

    Args:
        method: the class under test.
        options: of its constructor; None makes it small by `small_options`.
        encoders: None is the tiny backbone.
        count: pictures, a multiple of the batch.
        side: of a picture, pixels.
        batch: images an update; even, for two processes.
        epochs: length of a run.
    """

    method: type[Method]
    options: Mapping[str, Any] | None = None
    encoders: Encoders | None = None
    count: int = 16
    side: int = 16
    batch: int = 8
    epochs: int = 2

    def __reduce__(self) -> tuple[Any, ...]:
        """For another process: a user's file is imported there again."""
        rest = (self.options, self.encoders, self.count, self.side, self.batch, self.epochs)
        file = plugins.file_of(self.method)
        if file:
            return _from_file, (file, self.method.__name__, *rest)
        return Trial, (self.method, *rest)

    @property
    def name(self) -> str:
        """On the card."""
        return self.method.card.name

    @property
    def data(self) -> DataSpec:
        """What the method may know."""
        per_epoch = self.count // self.batch
        return DataSpec(self.count, self.side, self.batch, per_epoch, self.epochs)

    @property
    def plan(self) -> TrainPlan:
        """The smallest preset's, over a few updates, without warm-up, in float32."""
        return dataclasses.replace(
            self.method.card.preset(self.side).plan,
            epochs=self.epochs,
            batch_size=self.batch,
            warmup_epochs=0,
            accumulate=1,
            precision="fp32",
            compile=False,
        )

    def build(self, seed: int = 0, encoders: Encoders | None = None) -> Method:
        """The method with weights of this seed; torch's generator is left as it was."""
        options = small_options(self.method) if self.options is None else dict(self.options)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            made = encoders or self.encoders or tiny_encoders()
            return self.method(made, self.data, **options)

    def loader(self) -> Loader:
        """Of pictures in memory."""
        pictures = Pictures(self.count, self.side)
        device = torch.device("cpu")
        return Loader(pictures, batch_size=self.batch, seed=self.plan.seed, device=device)

    def step(self, number: int = 0, player: str = "all", *, rows: Tensor | None = None) -> Step:
        """The context of an update of the first epoch; `rows` reorders the batch."""
        index = torch.arange(self.batch) if rows is None else rows
        total = self.data.updates_per_epoch * self.epochs
        return Step(number, total, 0, index, Draw(self.plan.seed, 0, index), player)

    def views(self, method: Method, step: Step, dtype: torch.dtype = torch.float32) -> Views:
        """Views of the step's pictures, shared work done."""
        batch = Pictures(self.count, self.side).batch(step.index)
        views = method.views(batch, step.draw)
        cast = {k: v.to(dtype) if v.is_floating_point() else v for k, v in views.items()}
        return method.share(cast, step)

    def ready(self, seed: int = 0, *, exact: bool = False) -> Method:
        """A method in train mode at the beginning of the first epoch.

        Args:
            seed: of its weights.
            exact: in float64, without dropout and groups of norms.
        """
        runtime = Runtime("cpu", "fp64" if exact else "fp32")
        try:
            method = self.build(seed)
            if exact:
                comparable(method)
            plan = dataclasses.replace(self.plan, precision=runtime.precision)
            begin_epoch(Session.open(method, plan, runtime), self.loader())
        finally:
            runtime.close()
        return method

    def train(
        self,
        learner: Method,
        *,
        runtime: Runtime | None = None,
        folder: Path | None = None,
        observers: Sequence[Observer] = (),
        updates: int | None = None,
    ) -> None:
        """Train to the end of the plan; with a folder from its checkpoints, one an update."""
        own = runtime or Runtime("cpu", "fp32")
        plan = dataclasses.replace(self.plan, precision=own.precision)
        saver = None
        if folder is not None:
            saver = Saver(folder, keep=2, minutes=0, metrics=folder / "metrics.jsonl")
        try:
            train(
                learner,
                self.loader(),
                recipe=learner.views,
                plan=plan,
                runtime=own,
                saver=saver,
                observers=observers,
                updates=updates,
            )
        finally:
            if runtime is None:
                own.close()


def _from_file(file: str, class_name: str, *rest: Any) -> Trial:
    return Trial(registry.load_file(Path(file), class_name), *rest)


def turns(learner: Learner) -> list[tuple[str, int]]:
    """Players in turn, and which turn of its own each is; those that start late too."""
    counts: dict[str, int] = {}
    order = []
    for player in learner.players:
        order.append((player.name, counts.get(player.name, 0)))
        counts[player.name] = counts.get(player.name, 0) + 1
    return order


def comparable(learner: nn.Module) -> None:
    """Losses that order and processes do not change, in place: no dropout, no groups of norms."""
    for module in learner.modules():
        if isinstance(module, nn.modules.dropout._DropoutNd):
            module.p = 0.0
        elif isinstance(module, SplitBatchNorm):
            module.splits = 1


Losses = list[float]


def play(
    trial: Trial,
    learner: Method,
    visit: Callable[[str, Tensor], None] | None = None,
    *,
    dtype: torch.dtype = torch.float32,
    rows: Tensor | None = None,
) -> Losses:
    """One batch through all turns, late ones too, without an update; returns the losses.

    Args:
        trial: of the learner.
        learner: begun, in train mode.
        visit: is called with each turn's player and loss while only its parameters take gradient.
        dtype: of the views.
        rows: order of the batch.
    """
    owned = assign(learner)
    number = trial.data.updates_per_epoch * trial.epochs - 1  # late: all players are there
    views = trial.views(learner, trial.step(number, rows=rows), dtype)
    losses = []
    try:
        for player, turn in turns(learner):
            step = trial.step(number, player, rows=rows)
            if turn:
                step = dataclasses.replace(step, draw=step.draw.fork(f"turn {turn}"))
            for name, parameters in owned.items():
                for parameter in parameters.values():
                    parameter.requires_grad_(name == player)
            out = learner(views, step)
            views = views | out.keep
            if visit:
                visit(player, out.loss)
            losses.append(float(out.loss.detach()))
    finally:
        for parameters in owned.values():
            for parameter in parameters.values():
                parameter.requires_grad_(True)
    return losses
