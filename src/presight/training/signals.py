"""Signals that end a run politely: SIGTERM, SIGINT and SIGUSR1 set a flag, a second one kills.

At a prompt or in a notebook, whose process holds more than the run, it interrupts instead.
"""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType, TracebackType
from typing import Self

from presight.core.terminal import is_interactive

POLITE = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGUSR1") if hasattr(signal, name)
)


class Signals:
    """While open, `pending` names the signal that came, or is empty."""

    def __init__(self) -> None:
        self.pending = ""
        self._before: dict[int, object] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in POLITE:
                self._before[number] = signal.signal(number, self._receive)
        return self

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self.pending and is_interactive():
            raise KeyboardInterrupt
        if self.pending:
            os._exit(75)
        self.pending = signal.Signals(number).name

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
