"""A learner whose every verb is written down, and a short way to train it on a few pictures."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn

from presight.core.batch import Batch, Out, Step, Views
from presight.core.draw import Draw
from presight.core.learner import EpochPlan, Learner, Player, Survey
from presight.core.plan import TrainPlan
from presight.core.recipe import Recipe
from presight.data.loader import Loader
from presight.testing.trial import Pictures
from presight.training.loop import TrainResult, train
from presight.training.observers import Observer
from presight.training.runtime import Runtime
from presight.training.saver import Saver

COUNT, BATCH = 16, 4
"""Pictures and images an update: four updates an epoch."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Mean(Recipe):
    """Mean colors, and a number drawn for each image."""

    name: ClassVar[str] = "mean"
    keys: ClassVar[dict[str, str]] = {"x": "[B,3]", "noise": "[B]"}

    def __call__(self, batch: Batch, draw: Draw) -> Views:
        return {"x": batch.images.float().mean((2, 3)) / 255, "noise": draw.uniform("noise")}


class Diary(Learner):
    """Linear layers, one a player; every verb is written into `log`."""

    def __init__(self, *players: Player, simultaneous: bool = False) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.a, self.b = nn.Linear(3, 2), nn.Linear(3, 2)
        self.players = players or (Player("all"),)
        self.simultaneous = simultaneous
        self.log: list[str] = []
        self.steps: list[Step] = []
        self.seen: list[Views] = []
        self.spoil: Callable[[Step, Tensor], Tensor] = lambda step, loss: loss
        self.freeze = False

    def begin_epoch(self, survey: Survey) -> EpochPlan | None:
        self.log.append(f"begin_epoch {survey.epoch}")
        return None

    def share(self, views: Views, step: Step) -> Views:
        self.log.append("share")
        return views | {"shared": views["noise"]}

    def forward(self, views: Views, step: Step) -> Out:
        self.log.append(f"forward {step.player}")
        self.steps.append(step)
        self.seen.append(dict(views))
        part = {"a": [self.a], "b": [self.b]}.get(step.player, [self.a, self.b])
        made = torch.stack([layer(views["x"]) for layer in part]).sum(0)
        made = made.to(torch.promote_types(made.dtype, torch.float32))
        loss = (made - 1).square().mean()
        if loss.requires_grad:
            loss.register_hook(lambda _: self.log.append(f"backward {step.player}"))
        return Out(self.spoil(step, loss), keep={f"made by {step.player}": made.detach()})

    def after_batch(self, out: Out, step: Step) -> None:
        assert not torch.is_grad_enabled()
        self.log.append(f"after_batch {step.player}")

    def before_update(self, step: Step) -> None:
        self.log.append(f"before_update {step.player}")
        if self.freeze:
            for parameter in self.parameters():
                parameter.grad = None

    def after_update(self, step: Step) -> None:
        assert not torch.is_grad_enabled()
        self.log.append(f"after_update {step.player}")


def plan(**changes: object) -> TrainPlan:
    """Two epochs of plain momentum in float64."""
    given = {
        "epochs": 2,
        "batch_size": BATCH,
        "lr": 0.1,
        "lr_scaling": "none",
        "precision": "fp64",
    }
    return TrainPlan(**given | changes)  # type: ignore[arg-type]


def loader(batch: int = BATCH) -> Loader:
    """Of sixteen pictures."""
    return Loader(Pictures(COUNT, 8), batch_size=batch, seed=0, device=torch.device("cpu"))


def learn(
    learner: Learner,
    made: TrainPlan | None = None,
    *,
    folder: Path | None = None,
    minutes: float = 0.0,
    observers: Sequence[Observer] = (),
    updates: int | None = None,
) -> TrainResult:
    """Train as pretraining does, with a checkpoint an update where there is a folder."""
    made = made or plan()
    runtime = Runtime("cpu", made.precision)
    saver = None
    if folder is not None:
        saver = Saver(folder, keep=3, minutes=minutes, metrics=folder / "metrics.jsonl")
    try:
        return train(
            learner,
            loader(made.batch_size),
            recipe=Mean(),
            plan=made,
            runtime=runtime,
            saver=saver,
            observers=observers,
            updates=updates,
        )
    finally:
        runtime.close()


def weights(learner: nn.Module) -> dict[str, Tensor]:
    """A copy of everything in the state."""
    return {name: value.clone() for name, value in learner.state_dict().items()}


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    """Bit for bit."""
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)
