"""How long an update takes here, and how many fit a time budget."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from presight.core import world
from presight.core.method import Method
from presight.core.plan import TrainPlan
from presight.data.loader import Loader
from presight.training.loop import TrainResult, train
from presight.training.observers import Observer
from presight.training.runtime import Runtime

LEAST, MOST, SECONDS = 4, 24, 12.0
"""Updates that are timed at least and at most, and about how many seconds that may take."""
WARM = 2
"""Updates before them, which are not timed."""
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


def measure(
    make: Callable[[], Method],
    loader: Loader,
    plan: TrainPlan,
    runtime: Runtime,
    observers: Sequence[Observer] = (),
    most: int = MOST,
) -> Speed:
    """Train throwaway copies for some updates, and time each.

    Args:
        make: a method with fresh weights, every time it is called.
        loader: of the data.
        plan: of the run.
        runtime: of the run.
        observers: are told of the copies' records and waits.
        most: updates that are timed at most.
    """

    def look(updates: int) -> TrainResult:
        method = make()
        return train(
            method,
            loader,
            recipe=method.views,
            plan=plan,
            runtime=runtime,
            observers=observers,
            updates=updates,
        )

    warm = look(WARM)  # memory, threads and kernels
    count = max(LEAST, min(most, MOST, int(SECONDS / max(warm.update_seconds[-1], 1e-3))))
    seen = look(count)
    timed = seen.update_seconds[1:]
    found = Speed(fmean(timed), max(0.0, seen.seconds - sum(seen.update_seconds)))
    agreed: Speed = world.broadcast_object(found)
    return agreed
