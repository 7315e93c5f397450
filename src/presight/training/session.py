"""Session: everything of a run that changes while it trains, and how it is kept and restored."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from presight.core.backbone import Backbone
from presight.core.batch import Batch
from presight.core.learner import Learner, Player
from presight.core.plan import TrainPlan
from presight.errors import Diverged, UsageError
from presight.training import optimize
from presight.training.checkpoint import Snapshot
from presight.training.guard import Guard
from presight.training.optimizer_state import flatten_optimizer, restore_optimizer
from presight.training.runtime import Runtime
from presight.training.turn import Turn, assign


@dataclass
class Progress:
    """How far a run is.

    Args:
        number: updates done.
        epoch: of the next update.
        batch: of the next update, in its epoch.
        lr_factor: halved after a loss that was not finite.
        strikes: how often that happened.
    """

    number: int = 0
    epoch: int = 0
    batch: int = 0
    lr_factor: float = 1.0
    strikes: int = 0


@dataclass(frozen=True)
class Seat:
    """A player with its parameters, optimizer and wrapped turn."""

    player: Player
    parameters: Mapping[str, nn.Parameter]
    turn: nn.Module
    optimizer: torch.optim.Optimizer


@dataclass
class Session:
    """A learner in training."""

    learner: Learner
    plan: TrainPlan
    runtime: Runtime
    seats: dict[str, Seat]
    guard: Guard
    progress: Progress = field(default_factory=Progress)
    indices: Tensor | None = None
    """The present epoch's indices, where the learner planned them."""
    batch: Batch | None = None
    """The newest update's."""
    keep_batch: Callable[[int, Batch], str] | None = None
    """Writes a batch that could not be learned from; returns where."""
    loss: float = math.nan
    """The newest record's that was finite."""

    @classmethod
    def open(cls, learner: Learner, plan: TrainPlan, runtime: Runtime) -> Session:
        """Place the learner, and seat its players."""
        names = [player.name for player in learner.players]
        if learner.simultaneous and len(set(names)) < len(names):
            raise UsageError(
                f"{type(learner).__name__} has a player twice, {names}, and simultaneous turns: "
                "its second backward pass would wipe out the first. Set simultaneous to False."
            )
        runtime.place(learner)
        if plan.compile:
            for part in learner.modules():
                if isinstance(part, Backbone):
                    part.compile()
        learner.train()
        seats = {}
        owned = assign(learner)
        for player in learner.players:
            if player.name in seats:
                continue
            parameters = owned[player.name]
            groups = optimize.grouped(learner, player, parameters, plan)
            seats[player.name] = Seat(
                player,
                parameters,
                runtime.wrap(Turn(learner, parameters)),
                optimize.build(player, groups, plan),
            )
        optimizers = {name: seat.optimizer for name, seat in seats.items()}
        return cls(learner, plan, runtime, seats, Guard(learner, optimizers, runtime.device))

    def turns(self, progress: float) -> list[tuple[Seat, int]]:
        """Who plays at this point of the run, in order, and which turn of its own it is."""
        counts: dict[str, int] = {}
        order = []
        for player in self.learner.players:
            if player.start <= progress < player.stop:
                order.append((self.seats[player.name], counts.get(player.name, 0)))
                counts[player.name] = counts.get(player.name, 0) + 1
        return order

    def hand_over(self, seat: Seat) -> None:
        """Let gradients flow to one player's parameters only."""
        if len(self.seats) > 1:
            for other in self.seats.values():
                for parameter in other.parameters.values():
                    parameter.requires_grad_(other is seat)

    def release(self) -> None:
        """Let gradients flow to all players' parameters, as before the turns."""
        if len(self.seats) > 1:
            for seat in self.seats.values():
                for parameter in seat.parameters.values():
                    parameter.requires_grad_(True)

    def forget(self, modules: tuple[str, ...]) -> None:
        """Drop the optimizer state of submodules that were initialized anew."""
        for seat in self.seats.values():
            for name, parameter in seat.parameters.items():
                if any(name == m or name.startswith(f"{m}.") for m in modules):
                    seat.optimizer.state.pop(parameter, None)

    def strike(self) -> None:
        """Something was not finite: back to the good copy at half the rate; the second time, stop.

        The batch is kept then.

        Raises:
            Diverged: the second time.
        """
        now = self.progress
        self.release()
        self.guard.roll_back()
        if now.strikes:
            raise Diverged(
                f"loss is not finite at step {now.number:,} ({self.runtime.precision}), for the "
                f"second time. Try --precision fp32, --lr {self.plan.lr / 2:g} (half) or --clip 1."
                + self._evidence()
            )
        now.strikes, now.lr_factor = 1, now.lr_factor / 2
        logging.getLogger(__name__).warning(
            "loss is not finite at step %d: back to the last good weights, at half the rate.",
            now.number,
        )

    def _evidence(self) -> str:
        """What is known of a divergence, in words; the batch is written."""
        words = f" Last finite: {self.loss:.3g}." if math.isfinite(self.loss) else ""
        if self.keep_batch is None or self.batch is None:
            return words
        which = "The batch" if self.guard.immediate else "The last batch before it was seen"
        return f"{words} {which} is kept in {self.keep_batch(self.progress.number, self.batch)}."

    def capture(self) -> tuple[dict[str, dict[str, Tensor]], dict[str, object]]:
        """Tensors by file, and the rest as JSON."""
        groups = {"model": dict(self.learner.state_dict())}
        optimizers = {}
        for name, seat in self.seats.items():
            tensors, rest = flatten_optimizer(seat.optimizer, seat.parameters)
            groups[_group(name)] = tensors
            optimizers[name] = rest
        if self.indices is not None:
            groups["epoch"] = {"indices": self.indices}
        scaler = self.runtime.scaler
        state: dict[str, object] = {
            "progress": asdict(self.progress),
            "optimizers": optimizers,
            "scaler": scaler.state_dict() if scaler else None,
        }
        return groups, state

    def restore(self, snapshot: Snapshot) -> None:
        """Back to what was captured, bit for bit."""
        self.learner.load_state_dict(snapshot.tensors("model"))
        state: Any = snapshot.state
        for name, seat in self.seats.items():
            restore_optimizer(
                seat.optimizer,
                seat.parameters,
                snapshot.tensors(_group(name)),
                state["optimizers"][name],
            )
        self.indices = snapshot.tensors("epoch")["indices"] if "epoch" in snapshot.groups else None
        self.progress = Progress(**state["progress"])
        if self.runtime.scaler and state["scaler"]:
            self.runtime.scaler.load_state_dict(state["scaler"])


def _group(player: str) -> str:
    """The file of a player's optimizer."""
    return "optimizer_" + re.sub(r"[^a-z0-9_]", "_", player.lower())
