"""Freed memory kept by the process, so that every batch does not fault its pages in anew."""

from __future__ import annotations

import ctypes
import os
import sys

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
"""Numbers of glibc's options of `mallopt`."""

_OPT_OUT = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_MAX_", "MALLOC_MMAP_THRESHOLD_")


def keep_freed_memory() -> bool:
    """Let glibc reuse large freed blocks instead of handing them back to the system.

    A batch of views is tens of megabytes that live for one step. By default every one is mapped,
    zeroed page by page and unmapped again, which costs more CPU time than making the views. The
    process keeps its peak memory in return. Whoever sets one of glibc's own MALLOC_ variables has
    the last word.

    Returns:
        Whether it was done: on Linux with glibc, unless the environment says otherwise.
    """
    if not sys.platform.startswith("linux") or any(name in os.environ for name in _OPT_OUT):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    return bool(mallopt(_MMAP_MAX, 0)) and bool(mallopt(_TRIM_THRESHOLD, 2**31 - 1))
