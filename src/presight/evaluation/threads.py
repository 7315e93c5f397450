"""The pools of threads of native libraries, such as BLAS."""

from __future__ import annotations

from functools import cache
from typing import Any


@cache
def pools() -> Any:
    """Those of this process, with `limit(limits=n)` as a context.

    They are looked for once, which takes as long as a small fit does; libraries that are loaded
    later are not among them.
    """
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

    return ThreadpoolController()
