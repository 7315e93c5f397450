"""Where what a person is told goes: to stderr, or into the notebook's cell that is open."""

from __future__ import annotations

import sys


def say(line: str) -> None:
    """Tell a line."""
    print(line, file=sys.stderr, flush=True)
