"""Observers: what looks at a run and writes it down."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol, TextIO, runtime_checkable

from presight.errors import Diverged
from presight.store import records
from presight.training.monitor import Advice

Values = Mapping[str, float]
Measure = Callable[[Values], Values]
"""Adds numbers of its own to a record; every process asks it, and must get the same ones."""


class Observer(Protocol):
    """Sees a record every few updates, each advice, and the end.

    It may stop the run by raising presight.errors.Stopped.
    """

    def on_record(self, values: Values) -> None:
        """Numbers of the updates since the record before."""

    def on_advice(self, advice: Advice) -> None:
        """Something is wrong; what to try."""

    def on_end(self) -> None:
        """The run is over, finished or not."""


@runtime_checkable
class Waiting(Protocol):
    """An observer that also tells how far something between two updates is."""

    def on_wait(self, what: str, done: int, total: int) -> None:
        """So much of it is done."""


class MetricsFile:
    """One line of JSON a record in metrics.jsonl, one an advice in events.jsonl."""

    def __init__(self, metrics: Path, events: Path) -> None:
        self._metrics, self._events = metrics, events

    def on_record(self, values: Values) -> None:
        """Append the numbers; a look of the monitor is an event too."""
        records.append(self._metrics, dict(values))
        if "ridge_accuracy" in values:
            told = {name: values[name] for name in ("step", "epoch", "ridge_accuracy")}
            records.append(self._events, {"time": time.time(), "kind": "monitor", **told})

    def on_advice(self, advice: Advice) -> None:
        """Append the advice."""
        records.append(
            self._events, {"time": time.time(), "kind": advice.kind, "text": advice.text}
        )

    def on_end(self) -> None:
        """Nothing is open."""


class Tracker:
    """Hands every record to the trackers that were asked for."""

    def __init__(self, track: Callable[[Values, int], None]) -> None:
        self._track = track

    def on_record(self, values: Values) -> None:
        """Log the numbers at their update."""
        self._track({k: v for k, v in values.items() if k != "step"}, int(values["step"]))

    def on_advice(self, advice: Advice) -> None:
        """Trackers take numbers only."""

    def on_end(self) -> None:
        """The runtime closes them."""


class StopOnCollapse:
    """Ends a run whose embeddings have collapsed."""

    def on_record(self, values: Values) -> None:
        """Numbers alone end nothing."""

    def on_advice(self, advice: Advice) -> None:
        """Stop where the advice is about a collapse."""
        if advice.kind in ("rank", "loss"):
            raise Diverged(f"{advice.text} Stopped, as --on-collapse stop asks.")

    def on_end(self) -> None:
        """Nothing is open."""


def duration(seconds: float) -> str:
    """Seconds in words: 45 s, 12 min, 1 h 05 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def progress_words(values: Values) -> str:
    """The health line: loss, rank, the monitor's accuracy, speed, and the time left."""
    words = [f"loss {values['loss']:.3f}"]
    if "rank" in values:
        words.append(f"rank {values['rank']:.0f}/{values['dim']:.0f}")
    if "ridge_accuracy" in values:
        words.append(f"monitor {values['ridge_accuracy']:.1%}")
    words.append(f"{values['images_per_second']:,.0f} images/s")
    words.append(f"{duration(values['seconds_left'])} left")
    return "  ".join(words)


class Remembering:
    """Records, each with the newest of the numbers that only some of them have."""

    def __init__(self) -> None:
        self._kept: dict[str, float] = {}

    def seen(self, values: Values) -> Values:
        """The record with what is remembered."""
        self._kept |= {name: values[name] for name in ("ridge_accuracy",) if name in values}
        return {**self._kept, **values}


class PlainProgress(Remembering):
    """A plain line at most every 30 seconds and at an epoch's end, for pipes and logs."""

    def __init__(self, stream: TextIO | None = None, every: float = 30.0) -> None:
        super().__init__()
        self._stream, self._every = stream or sys.stderr, every
        self._last = -every
        self._epoch = 0

    def on_record(self, values: Values) -> None:
        """Print where it is due."""
        values = self.seen(values)
        now = time.monotonic()
        if now - self._last < self._every and int(values["epoch"]) == self._epoch:
            return
        self._last, self._epoch = now, int(values["epoch"])
        share = values["step"] / values["steps"]
        print(
            f"step {values['step']:.0f}/{values['steps']:.0f} ({share:.0%})  "
            + progress_words(values),
            file=self._stream,
            flush=True,
        )

    def on_wait(self, what: str, done: int, total: int) -> None:
        """Print where it is due."""
        now = time.monotonic()
        if now - self._last >= self._every:
            self._last = now
            print(f"{what} {done:,} of {total:,}", file=self._stream, flush=True)

    def on_advice(self, advice: Advice) -> None:
        """Print the advice on a line of its own."""
        print(f"note: {advice.text}", file=self._stream, flush=True)

    def on_end(self) -> None:
        """Nothing to close."""


class BarProgress(Remembering):
    """A progress bar for a terminal."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

        super().__init__()
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[words]}", markup=False),
            console=Console(stderr=True),
            refresh_per_second=4,
        )
        self._task = self._progress.add_task("pretraining", total=None, words="")
        self._progress.start()

    def on_record(self, values: Values) -> None:
        """Move the bar."""
        self._progress.update(
            self._task,
            completed=values["step"],
            total=values["steps"],
            words=progress_words(self.seen(values)),
        )

    def on_wait(self, what: str, done: int, total: int) -> None:
        """Say it beside the bar, which stays where it is."""
        self._progress.update(self._task, words=f"{what} {done:,} of {total:,}")

    def on_advice(self, advice: Advice) -> None:
        """Print the advice above the bar."""
        self._progress.console.print(f"note: {advice.text}", markup=False, highlight=False)

    def on_end(self) -> None:
        """Leave the bar where it is."""
        self._progress.stop()
