"""Who reads what is printed: a terminal, a pipe or file, a notebook."""

from __future__ import annotations

import os
import sys
from typing import Any, TextIO


def is_plain(stream: TextIO) -> bool:
    """Whether to print without colors and cursor movements."""
    asked = any(os.environ.get(name) for name in ("CI", "NO_COLOR"))
    return asked or os.environ.get("TERM") == "dumb" or not stream.isatty()


def _shell() -> Any:
    """The IPython shell that runs, if one does. It would be imported by now: nothing is here."""
    found = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return found() if callable(found) else None


def in_notebook() -> bool:
    """Whether a notebook's kernel runs this."""
    return getattr(_shell(), "kernel", None) is not None


def is_interactive() -> bool:
    """Whether a person's session would be lost with this process: a notebook or a prompt."""
    return _shell() is not None or hasattr(sys, "ps1")
