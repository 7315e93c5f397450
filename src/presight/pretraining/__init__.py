"""presight.pretrain(): source, options, method, run folder, training; the demo, and measuring."""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {"pretrain": "run", "Run": "run", "demo": "demo", "evaluate_run": "measure"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"presight.pretraining has no {name}")
    return getattr(importlib.import_module(f"presight.pretraining.{_HOMES[name]}"), name)
