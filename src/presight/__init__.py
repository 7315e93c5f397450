"""presight: see before labels.

Pretrain visual backbones on images without labels, and measure what that is worth. Names are
loaded when they are first used: importing presight imports no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from presight.api import evaluate as evaluate
    from presight.api import export as export
    from presight.api import pretrain as pretrain
    from presight.api import report as report
    from presight.core.batch import Batch as Batch
    from presight.core.batch import DataSpec as DataSpec
    from presight.core.batch import Out as Out
    from presight.core.batch import Step as Step
    from presight.core.draw import Draw as Draw
    from presight.core.method import Card as Card
    from presight.core.method import Method as Method
    from presight.core.recipe import Recipe as Recipe
    from presight.restore import load_backbone as load_backbone

__version__ = "0.1.0"

_HOMES = {
    "pretrain": "api",
    "evaluate": "api",
    "export": "api",
    "report": "api",
    "load_backbone": "restore",
    "Method": "core.method",
    "Card": "core.method",
    "Recipe": "core.recipe",
    "Batch": "core.batch",
    "DataSpec": "core.batch",
    "Out": "core.batch",
    "Step": "core.batch",
    "Draw": "core.draw",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"presight has no {name}")
    return getattr(importlib.import_module(f"presight.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return [*_HOMES, "__version__"]
