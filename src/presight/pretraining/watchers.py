"""Who looks at a run while it trains: files, trackers, the person who waits."""

from __future__ import annotations

import contextlib
import logging
import sys
import time
from collections.abc import Iterator

import torch

from presight.core import world
from presight.core.draw import Draw
from presight.core.method import Method
from presight.core.terminal import is_plain
from presight.data.loader import Loader
from presight.pretraining.configuration import Configuration
from presight.pretraining.pictures import save_views
from presight.store import records
from presight.store.folder import RunFolder
from presight.training.monitor import Advice
from presight.training.observers import (
    BarProgress,
    MetricsFile,
    Observer,
    PlainProgress,
    StopOnCollapse,
    Tracker,
    Values,
)
from presight.training.runtime import Runtime


def picture(method: Method, loader: Loader, folder: RunFolder) -> None:
    """Show the first batch's views as training sees them."""
    count = min(12, len(loader.images))
    batch = loader.images.batch(torch.arange(count))
    save_views(folder, method.views(batch, Draw(loader.seed, 0, batch.index)), count)


def watchers(config: Configuration, runtime: Runtime, folder: RunFolder) -> list[Observer]:
    """Who looks at the run; all but the stop are on process 0."""
    observers: list[Observer] = []
    if config.settings.on_collapse == "stop":
        observers.append(StopOnCollapse())
    if world.rank():
        return observers
    observers.append(MetricsFile(folder.metrics, folder.events))
    if config.settings.track:
        runtime.start_trackers("presight", {"method": config.settings.method})
        observers.append(Tracker(runtime.track))
    if config.settings.quiet:
        observers.append(AdviceOnly())
    else:
        observers.append(PlainProgress() if is_plain(sys.stderr) else BarProgress())
    return observers


class AdviceOnly:
    """What a quiet run still says: that something is wrong."""

    def on_record(self, values: Values) -> None:
        """Numbers are progress."""

    def on_advice(self, advice: Advice) -> None:
        """Print the advice."""
        print(f"note: {advice.text}", file=sys.stderr, flush=True)

    def on_end(self) -> None:
        """Nothing is open."""


class Notes(logging.Handler):
    """What parts of a method log is told to the person who waits, and kept with the run."""

    def __init__(self, folder: RunFolder) -> None:
        super().__init__(logging.WARNING)
        self._folder = folder

    def emit(self, record: logging.LogRecord) -> None:
        """Write the note."""
        text = record.getMessage()
        records.append(self._folder.events, {"time": time.time(), "kind": "note", "text": text})
        print(f"note: {text}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def listening(folder: RunFolder) -> Iterator[None]:
    """While open, process 0 writes down what presight's parts log."""
    logger = logging.getLogger("presight")
    handler = Notes(folder) if world.rank() == 0 else logging.NullHandler()
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
