"""Learner: what the trainer knows. Its forward is the loss; its verbs are a closed list."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from torch import Tensor, nn

from presight.core.batch import Out, Step, Views
from presight.core.draw import Draw
from presight.core.plan import OptimizerName
from presight.core.recipe import Recipe

T = TypeVar("T")


@dataclass(frozen=True)
class Group:
    """Parameters of a player that learn by other rules.

    Args:
        modules: names of submodules or parameters.
        lr_scale: factor on the player's learning rate.
        weight_decay, momentum, betas: instead of the plan's; None keeps the plan's.
        constant_lr: leave the schedule out (warm-up too).
    """

    modules: tuple[str, ...]
    lr_scale: float = 1.0
    weight_decay: float | None = None
    momentum: float | None = None
    betas: tuple[float, float] | None = None
    constant_lr: bool = False


@dataclass(frozen=True)
class Player:
    """A part of a learner with an optimizer of its own, and its turn.

    Args:
        name: a name may come twice in a learner's `players`: two turns an update.
        modules: names of its submodules or parameters; ("",) is everything.
        start, stop: active while start <= progress < stop.
        optimizer: another than the plan's.
        groups: parameters with rules of their own.
    """

    name: str
    modules: tuple[str, ...] = ("",)
    start: float = 0.0
    stop: float = 1.0
    optimizer: OptimizerName | None = None
    groups: tuple[Group, ...] = ()


@dataclass(frozen=True)
class EpochPlan:
    """What `begin_epoch` asks of the trainer.

    Args:
        indices: int64 [N], equal on every process, repeats allowed; shuffled by (seed, epoch).
            None takes each sample once. A sample that comes twice gets different draws.
        forget: submodules whose optimizer state is dropped: they were initialized anew in place.
    """

    indices: Tensor | None = None
    forget: tuple[str, ...] = ()


class Survey(Protocol):
    """A view of all data, for `begin_epoch`."""

    epoch: int
    seed: int
    n_samples: int
    draw: Draw

    def embed(
        self, fn: Callable[[Views], Tensor], *, views: Recipe, eval_mode: bool = True
    ) -> Tensor:
        """[N, d], row i is sample i's, equal on every process; without gradient."""
        ...

    def once(self, fn: Callable[[], T]) -> T:
        """Run on one process and hand the tensor or tensors to all."""
        ...


class Learner(nn.Module, ABC):
    """Something that learns: a method, a purifier, a fine-tuned network.

    State that must survive a resume is a parameter or a buffer. `forward` writes nothing but the
    buffers of normalization layers; the other verbs write what their name says.
    """

    players: Sequence[Player] = (Player("all"),)
    simultaneous: bool = False
    """True: all players' backward passes, then all their steps."""

    @abstractmethod
    def forward(self, views: Views, step: Step) -> Out:
        """The loss of one micro-batch, from the eyes of `step.player`."""

    def begin_epoch(self, survey: Survey) -> EpochPlan | None:
        """At the start of an epoch only; what it finds goes into buffers."""
        return None

    def share(self, views: Views, step: Step) -> Views:
        """Once a batch, before the players: work that they have in common, detached."""
        return views

    def after_batch(self, out: Out, step: Step) -> None:
        """After every micro-batch of every turn, without gradient: queues, banks, centers."""

    def before_update(self, step: Step) -> None:
        """Gradients complete and unscaled, before clipping; may set gradients to None."""

    def after_update(self, step: Step) -> None:
        """After the optimizer really stepped, not on a skipped one: moving averages."""
