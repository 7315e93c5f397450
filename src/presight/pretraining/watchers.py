"""Who looks at a run while it trains: files, trackers, the person who waits."""

from __future__ import annotations

import contextlib
import logging
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from presight.core import world
from presight.core.draw import Draw
from presight.core.method import Method
from presight.core.terminal import is_plain
from presight.data.loader import Loader
from presight.data.source import Source, shown
from presight.data.stored import Stored
from presight.errors import RunError
from presight.pretraining.configuration import Configuration, card_of_method
from presight.pretraining.configure import warnings
from presight.pretraining.notebook import CellProgress, present
from presight.pretraining.pictures import save_views
from presight.pretraining.telling import counted, say
from presight.store import atomic, records
from presight.store.folder import RunFolder, utc
from presight.training.monitor import Advice
from presight.training.observers import (
    BarProgress,
    MetricsFile,
    Observer,
    PlainProgress,
    StopOnCollapse,
    Tracker,
    Values,
    progress_words,
)
from presight.training.runtime import Runtime

_LOG = logging.getLogger(__name__)


def announce(config: Configuration, source: Source, runtime: Runtime, quiet: bool) -> Sequence[str]:
    """Tell what begins, or only what is odd about it; returns all lines."""
    device = f"{world.size()} x {runtime.device.type}"
    lines = config.lines(card_of_method(config), device, runtime.precision)
    odd = list(source.summary()) if isinstance(source, Stored) else []
    odd += [f"note: {text}" for text in warnings(config)]
    for line in () if world.rank() else odd if quiet else (*lines, *odd):
        say(line)
    return (*lines, *odd)


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
    observers += [MetricsFile(folder.metrics, folder.events), Log()]
    if config.settings.track:
        runtime.start_trackers("presight", {"method": config.settings.method})
        observers.append(Tracker(runtime.track))
    if config.settings.quiet:
        observers.append(AdviceOnly())
    elif cell := present():
        observers.append(CellProgress(cell))
    else:
        observers.append(PlainProgress() if is_plain(sys.stderr) else BarProgress())
    return observers


class Log:
    """Logs the numbers at each epoch's end, and every advice."""

    def __init__(self) -> None:
        self._epoch = 0

    def on_record(self, values: Values) -> None:
        """Log where an epoch has ended."""
        if int(values["epoch"]) != self._epoch:
            self._epoch = int(values["epoch"])
            step, steps = values["step"], values["steps"]
            _LOG.info("step %.0f/%.0f  %s", step, steps, progress_words(values))

    def on_advice(self, advice: Advice) -> None:
        """Log the advice."""
        _LOG.info("advice: %s", advice.text)

    def on_end(self) -> None:
        """Nothing is open."""


class AdviceOnly:
    """What a quiet run still says: that something is wrong."""

    def on_record(self, values: Values) -> None:
        """Numbers are progress."""

    def on_advice(self, advice: Advice) -> None:
        """Print the advice."""
        say(f"note: {advice.text}")

    def on_end(self) -> None:
        """Nothing is open."""


class Patience:
    """Tells how far passes over all images are while the speed is measured, and nothing else.

    Args:
        quiet: tell nothing.
    """

    def __init__(self, quiet: bool) -> None:
        self._show = counted("measuring the speed: looking at all images,", quiet)

    def on_record(self, values: Values) -> None:
        """Numbers are of copies that are thrown away."""

    def on_wait(self, what: str, done: int, total: int) -> None:
        """Tell of a pass."""
        if self._show is not None and done:
            self._show(done, total)

    def on_advice(self, advice: Advice) -> None:
        """A few updates are no ground for it."""

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
        say(f"note: {text}")


class LogFile(logging.Handler):
    """A plain line with its time for everything that is worth one, in a file of each process."""

    def __init__(self, path: Path) -> None:
        super().__init__(logging.INFO)
        self._path = path

    def emit(self, record: logging.LogRecord) -> None:
        """Append the line; control characters of names are escaped, so that none forges a line."""
        words = f"{utc(record.created)} {record.levelname.lower()} {shown(record.getMessage())}"
        atomic.append(self._path, (words + "\n").encode("utf-8", "backslashreplace"))


@contextlib.contextmanager
def listening(folder: RunFolder, told: Sequence[str] = ()) -> Iterator[None]:
    """While open, what presight's parts log is written down; process 0 also tells the warnings.

    Args:
        folder: of the run.
        told: what was said before the folder was there.
    """
    logger, level = logging.getLogger("presight"), logging.getLogger("presight").level
    atomic.make_folder(folder.logs)
    handlers: list[logging.Handler] = [LogFile(folder.log(world.rank()))]
    handlers += [] if world.rank() else [Notes(folder)]
    for handler in handlers:
        logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        for line in (f"process {world.rank()} of {world.size()}", *told):
            _LOG.info("%s", line)
        yield
    except BaseException as error:
        with contextlib.suppress(RunError):  # such as of a full disk, which is the error
            _LOG.info("ended by %s: %s", type(error).__name__, error)
        raise
    finally:
        logger.setLevel(level)
        for handler in handlers:
            logger.removeHandler(handler)
