"""The vocabulary that every other part speaks: batches, draws, learners, methods, options."""

from __future__ import annotations

from typing import TYPE_CHECKING

from presight import lazy

if TYPE_CHECKING:
    from presight.core.batch import Batch as Batch
    from presight.core.batch import DataSpec as DataSpec
    from presight.core.batch import Out as Out
    from presight.core.batch import Step as Step
    from presight.core.draw import Draw as Draw

__getattr__ = lazy.names(
    __name__, {**dict.fromkeys(("Batch", "DataSpec", "Out", "Step"), "batch"), "Draw": "draw"}
)
