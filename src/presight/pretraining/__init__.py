"""presight.pretrain(): source, options, method, run folder, training; the demo, and measuring."""

from __future__ import annotations

from typing import TYPE_CHECKING

from presight import lazy

if TYPE_CHECKING:
    from presight.pretraining.demo import run_demo as run_demo
    from presight.pretraining.outcome import Run as Run
    from presight.pretraining.run import pretrain as pretrain

__getattr__ = lazy.names(__name__, {"pretrain": "run", "Run": "outcome", "run_demo": "demo"})
