"""How long an update takes here, and how many fit a time budget."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from presight.core import world
from presight.core.method import Method
from presight.core.plan import TrainPlan
from presight.data.loader import Loader
from presight.training.loop import train
from presight.training.runtime import Runtime

FIRST, MOST, SECONDS = 3, 20, 12.0
"""Updates of the first look, updates and seconds of the second at most."""
SPARE = 0.98
"""Share of the budget that is planned: the rest is for checkpoints and a slower moment."""


@dataclass(frozen=True)
class Speed:
    """What training costs on this machine.

    Args:
        update: seconds an update.
        epoch_start: seconds for what a learner does before an epoch.
    """

    update: float
    epoch_start: float

    def epochs(self, seconds: float, updates_per_epoch: int) -> float:
        """Epochs that fit so many seconds; at least one update."""
        whole = self.epoch_start + updates_per_epoch * self.update
        done = int(seconds * SPARE / whole)
        rest = seconds * SPARE - done * whole - self.epoch_start
        updates = done * updates_per_epoch + max(0, int(rest / self.update))
        return max(1, updates) / updates_per_epoch


def measure(make: Callable[[], Method], loader: Loader, plan: TrainPlan, runtime: Runtime) -> Speed:
    """Train throwaway copies for some updates: a short look, then a longer one.

    Args:
        make: a method with fresh weights, every time it is called.
        loader: of the data.
        plan: of the run.
        runtime: of the run.
    """

    def look(updates: int) -> float:
        method = make()
        return train(
            method,
            loader,
            recipe=method.views,
            plan=plan,
            runtime=runtime,
            updates=updates,
        ).seconds

    look(1)  # memory, threads and kernels warm up
    short = look(FIRST)
    count = max(FIRST + 2, min(MOST, int(SECONDS * FIRST / max(short, 1e-3))))
    update = max(1e-5, (look(count) - short) / (count - FIRST))
    found = Speed(update, max(0.0, short - FIRST * update))
    agreed: Speed = world.broadcast_object(found)
    return agreed
