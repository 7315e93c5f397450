"""A notebook's cell: one output that is written over while a run goes on.

IPython is never imported for it: where it does not run, there is no cell.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import shlex
import time
from collections.abc import Iterator, Mapping
from typing import Any

import torch

from presight.core import world
from presight.core.settings import Settings
from presight.core.terminal import in_notebook
from presight.errors import UsageError
from presight.pretraining import markup, telling
from presight.training.monitor import Advice
from presight.training.observers import Remembering, Values, progress_words

SECONDS = 0.5
"""Between two times that the cell is written over; a browser draws each."""


class Cell:
    """The output of a cell, shown at its first word.

    Args:
        title: over everything.
    """

    def __init__(self, title: str) -> None:
        self._title = title
        self._told: list[str] = []
        self._notes: list[str] = []
        self._waiting: tuple[str, float] | None = None
        self._words, self._share, self._epochs = "", 0.0, ""
        self._losses: list[float] = []
        self._step = 0.0
        self._handle: Any = None
        self._last = 0.0

    def say(self, line: str) -> None:
        """Show a line: a note for all to see, else among what was resolved."""
        if line.startswith("note: "):
            self._notes.append(line.removeprefix("note: "))
        else:
            self._told.append(line)
        self.show()

    def wait(self, what: str, done: int, total: int) -> None:
        """Show how far something is that has to be waited for."""
        ended = done >= total
        self._waiting = None if ended else (f"{what} {done:,} of {total:,}", done / max(1, total))
        self.show(always=ended)

    def start(self) -> None:
        """Say that numbers come next."""
        self._words, self._epochs, self._share = "waiting for the first updates", "", 0.0
        self.show(always=True)

    def progress(self, values: Values) -> None:
        """Show a record."""
        self._waiting = None
        if values["step"] <= self._step:  # another run, such as the demo's second
            self._losses.clear()
        self._step = values["step"]
        self._share = values["step"] / values["steps"]
        whole = values["epoch"] / max(self._share, 1e-9)
        self._epochs = f"epoch {values['epoch']:.4g} of {whole:.4g}"
        self._words = progress_words(values)
        self._losses.append(values["loss"])
        self.show(always=values["step"] == values["steps"])

    def show(self, *, always: bool = False) -> None:
        """Write the output over, where that is due."""
        now = time.monotonic()
        if self._handle is not None and not always and now - self._last < SECONDS:
            return
        self._last = now
        display = importlib.import_module("IPython.display")
        made = display.HTML(self.html())
        if self._handle is None:
            self._handle = display.display(made, display_id=True)
        else:
            self._handle.update(made)

    def html(self) -> str:
        """All that is known, as HTML."""
        parts = [markup.line(self._title, "font-weight:600")]
        if self._waiting is not None:
            words, share = self._waiting
            parts += [markup.bar(share, words), markup.line(words)]
        elif self._words:
            parts += [markup.bar(self._share, "pretraining")]
            parts += [markup.line(f"{self._epochs}  {self._words}".strip(), "white-space:pre-wrap")]
            parts += [markup.curve(markup.thinned(self._losses), "loss")]
        parts += [markup.note(text) for text in self._notes]
        return markup.frame(*parts, markup.folded("what runs", self._told))


class CellProgress(Remembering):
    """Shows a run's records and advice in the cell."""

    def __init__(self, cell: Cell) -> None:
        super().__init__()
        self._cell = cell
        cell.start()

    def on_record(self, values: Values) -> None:
        """Show the numbers."""
        self._cell.progress(self.seen(values))

    def on_wait(self, what: str, done: int, total: int) -> None:
        """Show how far something between two updates is."""
        self._cell.wait(what, done, total)

    def on_advice(self, advice: Advice) -> None:
        """Show the advice; it stays."""
        self._cell.say(f"note: {advice.text}")

    def on_end(self) -> None:
        """Show what was held back."""
        self._cell.show(always=True)


def present() -> Cell | None:
    """The cell that is open, if one is."""
    place = telling.place()
    return place if isinstance(place, Cell) else None


@contextlib.contextmanager
def cell(title: str, *, quiet: bool = False) -> Iterator[None]:
    """While open in a notebook, what is told goes into one output; elsewhere nothing changes."""
    if quiet or world.rank() or not in_notebook() or present() is not None:
        yield
        return
    made = Cell(title)
    with telling.told_in(made):
        try:
            yield
        finally:
            made.show(always=True)


def one_process(data: str, settings: Settings, options: Mapping[str, Any]) -> None:
    """Refuse what one process cannot do, and a notebook is one: to use several devices.

    Args:
        data: of the command.
        settings: of the command; `cuda:0,cuda:1` are two devices.
        options: the others of the command.

    Raises:
        UsageError: with the line that does it in a terminal.
    """
    count = max(settings.device.count(",") + 1, int(os.environ.get("WORLD_SIZE", "1") or 1))
    if count == 1 or not (in_notebook() or "," in settings.device):
        return
    where = "a notebook is one process" if in_notebook() else "a process has one device"
    given = {k: v for k, v in {**settings.given(), **options}.items() if k != "device"}
    raise UsageError(
        f"{where}, and {count} were asked for. Paste into a terminal: "
        f"torchrun --nproc-per-node {count} -m presight pretrain {flags(data, given)}"
    )


def of_several(data: str, settings: Settings, options: Mapping[str, Any]) -> list[str]:
    """What is said in a notebook on a machine with several GPUs, of which it uses one."""
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if count < 2 or not in_notebook() or settings.device not in ("auto", "cuda"):
        return []
    words = flags(data, {**settings.given(), **options})
    return [
        f"note: {count} GPUs are here, and a notebook uses one. For all of them, in a terminal: "
        f"torchrun --nproc-per-node {count} -m presight pretrain {words}"
    ]


def flags(data: str, options: Mapping[str, Any]) -> str:
    """A command line's words for a subject and options, quoted for a shell."""
    words = [data]
    for name, value in options.items():
        flag = f"--{name.replace('_', '-')}"
        if isinstance(value, bool):
            words.append(flag if value else flag.replace("--", "--no-", 1))
        elif isinstance(value, tuple | list):
            words += [flag, ",".join(map(str, value))]
        else:
            words += [flag, str(value)]
    return shlex.join(words)
