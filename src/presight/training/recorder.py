"""Recorder: gathers numbers on the device, and makes a record of them every few updates."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor

from presight.core import world
from presight.core.batch import Batch, Out
from presight.nn.spread import effective_rank, spread
from presight.training.monitor import Monitor
from presight.training.observers import Measure, Observer, Waiting
from presight.training.session import Session

EVERY = 10
"""Updates a record; numbers stay on the device in between."""
RANK_ROWS = 256
"""Rows of the embedding that rank and spread are computed from: a bound on their cost."""
MOST_TIMES = 100
"""Updates of a session whose wall time is kept, for planning."""
WARM_SHARE = 0.05
"""Share of a run before advice is given: a start may look like anything."""


def period(total: int) -> int:
    """Updates from a record to the next, in a run of `total`; the last update has one too."""
    return max(1, min(EVERY, total // 100))


class Recorder:
    """What is known of the updates since the last record.

    Args:
        session: in training.
        total: updates of the whole run.
        monitor: gives advice.
        observers: are shown records.
        batch_size: images an update, over all processes.
        updates_per_epoch: to say how far an epoch is.
        measures: add numbers of their own.
    """

    def __init__(
        self,
        session: Session,
        total: int,
        monitor: Monitor,
        observers: Sequence[Observer],
        batch_size: int,
        updates_per_epoch: int,
        measures: Sequence[Measure] = (),
    ) -> None:
        self._updates_per_epoch = updates_per_epoch
        self._session, self._total, self._monitor = session, total, monitor
        self._observers, self._batch_size = observers, batch_size
        self._measures = measures
        self._start = self._since = time.monotonic()
        self._first = session.progress.number
        self._every = period(total)
        self.loss = float("nan")
        self._norm, self._lr = torch.tensor(float("nan")), 0.0
        self.update_seconds: list[float] = []
        self._mark = self._start
        self._clear()

    def _clear(self) -> None:
        self._losses: list[Tensor] = []
        self._terms: dict[str, Tensor] = {}
        self._out: Out | None = None
        self._waited = 0.0
        self._updates = 0

    @property
    def seconds(self) -> float:
        """Since the session began."""
        return time.monotonic() - self._start

    def waiting(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """The batches; the time spent waiting for them is counted."""
        source = iter(batches)
        while True:
            self._mark = time.monotonic()
            batch = next(source, None)
            if batch is None:
                return
            yield batch

    def views_made(self) -> None:
        """Views are part of the wait for data."""
        self._waited += time.monotonic() - self._mark

    def see(self, out: Out, player: str) -> None:
        """A forward's result."""
        self._losses.append(out.loss.detach())
        if len(self._session.seats) > 1:
            self._terms[f"loss_{player}"] = out.loss.detach()
        self._terms.update(out.terms)
        if out.embedding is not None:
            self._out = out

    def see_norm(self, norm: Tensor, lr: float) -> None:
        """A gradient's norm before clipping, and the rate."""
        self._norm, self._lr = norm, lr

    def after_update(self) -> None:
        """Make a record where one is due."""
        self._updates += 1
        if len(self.update_seconds) < MOST_TIMES:
            self.update_seconds.append(time.monotonic() - self._mark)
        number = self._session.progress.number
        if number % self._every and number != self._total:
            return
        if not self._session.guard.tripped():
            self._session.guard.snapshot()
        else:
            self._session.strike()
        values = self._values()
        for measure in self._measures:
            values.update(measure(values))
        for observer in self._observers:
            observer.on_record(values)
        warm = number > WARM_SHARE * self._total
        for advice in self._monitor.advise(values, warm):
            for observer in self._observers:
                observer.on_advice(advice)
        self._since = time.monotonic()
        self._clear()

    def _values(self) -> dict[str, float]:
        now, span = self._session.progress, max(1e-9, time.monotonic() - self._since)
        done = max(1, now.number - self._first)
        loss = self.loss
        if self._losses:
            loss = float(torch.stack([_wide(x) for x in self._losses]).mean())
        # Over all processes, so that all see, and stop for, the same.
        self.loss, *terms = world.averaged([loss, *(float(x) for x in self._terms.values())])
        if math.isfinite(self.loss):
            self._session.loss = self.loss
        values = {
            "step": now.number,
            "steps": self._total,
            "epoch": now.epoch + now.batch / self._updates_per_epoch,
            "loss": self.loss,
            "lr": self._lr,
            "gradient_norm": float(self._norm),
            "images_per_second": self._updates * self._batch_size / span,
            "data_wait": min(1.0, self._waited / span),
            "seconds": self.seconds,
            "seconds_left": self.seconds / done * (self._total - now.number),
        }
        values.update(zip(self._terms, terms, strict=True))
        if self._out is not None and self._out.embedding is not None:
            own = self._out.embedding[: max(1, RANK_ROWS // world.size())]
            embedding = world.gather_detached(_wide(own))
            values["dim"] = embedding.shape[1]
            values["rank"] = effective_rank(embedding)
            values["spread"] = spread(embedding)
            if self._out.collapsed is not None:
                values["collapsed"] = float(self._out.collapsed)
        return values

    def wait(self, what: str, done: int, total: int) -> None:
        """Tell the observers that care how far something between two updates is."""
        for observer in self._observers:
            if isinstance(observer, Waiting):
                observer.on_wait(what, done, total)

    def end(self) -> None:
        """Tell the observers that the session is over."""
        for observer in self._observers:
            observer.on_end()


def _wide(value: Tensor) -> Tensor:
    """At least float32; float64 stays, for exactness tests."""
    return value.to(torch.promote_types(value.dtype, torch.float32))
