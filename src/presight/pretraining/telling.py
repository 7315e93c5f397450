"""Where what a person is told goes: to stderr, or into the notebook's cell that is open."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import Protocol

from presight.core import world
from presight.core.terminal import is_plain
from presight.core.wording import duration


class Place(Protocol):
    """Shows what a person is told, in place of stderr."""

    def say(self, line: str) -> None:
        """Show a line."""

    def wait(self, what: str, done: int, total: int) -> None:
        """Show how far something is that has to be waited for."""


_open: list[Place] = []


@contextlib.contextmanager
def told_in(place: Place | None) -> Iterator[None]:
    """While open, what is told goes to a place; None changes nothing."""
    if place is None:
        yield
        return
    _open.append(place)
    try:
        yield
    finally:
        _open.remove(place)


def place() -> Place | None:
    """Where what is told goes now; None is stderr."""
    return _open[-1] if _open else None


def say(line: str) -> None:
    """Tell a line."""
    if _open:
        _open[-1].say(line)
    else:
        print(line, file=sys.stderr, flush=True)


def counted(
    what: str, quiet: bool, *, estimate: bool = False, left: Callable[[], float] | None = None
) -> Callable[[int, int], None] | None:
    """Shows done of total: written over where the cursor may move, else a line every 30 s.

    Args:
        what: is done.
        quiet: nothing is shown.
        estimate: say how long the rest takes, too.
        left: gives the seconds of the rest, where they are not in proportion to what is done.
    """
    if quiet or world.rank():
        return None
    if _open:
        place = _open[-1]
        return lambda done, total: place.wait(what, done, total)
    last = began = time.monotonic()
    terminal = not is_plain(sys.stderr)

    def show(done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last < (0.25 if terminal else 30.0) and done < total:
            return
        if done == total and not terminal and now - last < 30.0:
            return
        last = now
        end = "\n" if done == total or not terminal else ""
        start = "\r" if terminal else ""
        seconds = left() if left else (now - began) / max(1, done) * (total - done)
        rest = f", {duration(seconds)} left" if estimate and done < total else ""
        blank = "\x1b[K" if estimate and terminal else ""  # a shorter line leaves nothing behind
        text = f"{start}{what} {done:,} of {total:,}{rest}{blank}"
        print(text, end=end, file=sys.stderr, flush=True)

    return show
