"""Whether a stream takes colors and a cursor that moves."""

from __future__ import annotations

import os
from typing import TextIO


def is_plain(stream: TextIO) -> bool:
    """Whether to print without colors and cursor movements."""
    asked = any(os.environ.get(name) for name in ("CI", "NO_COLOR"))
    return asked or os.environ.get("TERM") == "dumb" or not stream.isatty()
