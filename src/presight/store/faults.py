"""Planned faults: what a kill or a full disk would do at the n-th primitive of a write.

`PRESIGHT_FAULT="rename:7"` ends the process without any clean-up at the seventh rename,
`"write:3:raise"` makes the third write fail as a full disk does, `"any:20"` counts all
primitives together. Tests plan the same in process with `fault`.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, cast, get_args

from presight.errors import UsageError

Point = Literal["open", "write", "fsync", "rename", "unlink", "mkdir", "any"]
Action = Literal["exit", "raise", "die"]

VARIABLE = "PRESIGHT_FAULT"


class Dead(BaseException):
    """Stands for the end of the process: nothing that comes after it reaches the disk."""


@dataclass(slots=True)
class Fault:
    """A planned fault.

    Args:
        point: which primitive is counted; `any` counts all.
        nth: at which one it strikes, from 1.
        action: `exit` ends the process with code 137; `raise` raises "no space left" once;
            `die` raises `Dead`, then and at every primitive after, as if the process were gone.
        seen: primitives counted so far.
    """

    point: Point
    nth: int
    action: Action = "exit"
    seen: int = 0

    @property
    def fired(self) -> bool:
        """Whether the fault has struck."""
        return self.seen >= self.nth

    def strike(self, point: Point, partly: Callable[[], object] | None) -> None:
        """Count a primitive; at the planned one do a part of it, and fail."""
        if self.action == "die" and self.fired:
            raise Dead
        if self.point not in (point, "any"):
            return
        self.seen += 1
        if self.seen != self.nth:
            return
        if partly is not None:
            partly()
        if self.action == "exit":
            os._exit(137)
        if self.action == "die":
            raise Dead
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def parse(text: str) -> Fault:
    """A fault from `point:nth` or `point:nth:action`.

    Raises:
        UsageError: the text is not of this form.
    """
    point, _, rest = text.partition(":")
    number, _, action = rest.partition(":")
    action = action or "exit"
    if point not in get_args(Point) or action not in get_args(Action) or not number.isdecimal():
        raise UsageError(
            f"{VARIABLE}={text!r} is not POINT:N or POINT:N:ACTION. Points: "
            f"{', '.join(get_args(Point))}; actions: {', '.join(get_args(Action))}."
        )
    return Fault(cast(Point, point), int(number), cast(Action, action))


_planned: list[Fault] = []
_environment: dict[str, Fault] = {}


def _current() -> Fault | None:
    if _planned:
        return _planned[-1]
    text = os.environ.get(VARIABLE)
    if not text:
        return None
    if text not in _environment:
        _environment[text] = parse(text)
    return _environment[text]


def hit(point: Point, partly: Callable[[], object] | None = None) -> None:
    """Called before every primitive; does nothing unless a fault is planned for it."""
    current = _current()
    if current is not None:
        current.strike(point, partly)


@contextmanager
def fault(point: Point, nth: int, action: Action = "raise") -> Iterator[Fault]:
    """Plan a fault for the primitives within the block; it hides an outer one."""
    planned = Fault(point, nth, action)
    _planned.append(planned)
    try:
        yield planned
    finally:
        _planned.remove(planned)
