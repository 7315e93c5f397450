"""Health of a run: what is wrong, in one sentence, and what to try."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

PATIENCE = 20
"""Records in a row that must agree before advice is given."""
SMALL_SPREAD = 0.05
"""Directions this close together are one direction and noise."""
COLLAPSED_SHARE = 0.01
"""A loss this close to its collapsed value, relatively, has learned nothing."""


class Advice(NamedTuple):
    """What is wrong: its kind (rank, loss, wait, gradient), and a sentence."""

    kind: str
    text: str


@dataclass
class Monitor:
    """Watches the records of a run and gives each advice once.

    Args:
        failures: what a collapse usually means for this method, from its card.
    """

    failures: str = ""
    given: set[str] = field(default_factory=set)
    _history: deque[dict[str, float]] = field(default_factory=lambda: deque(maxlen=PATIENCE))

    def advise(self, record: dict[str, float], warm: bool) -> list[Advice]:
        """New advice after a record; `warm` says that warm-up and the first updates are over."""
        self._history.append(record)
        if not warm or len(self._history) < PATIENCE:
            return []
        found = {}
        if self._all(lambda r: r.get("rank", math.inf) < max(1.5, 0.02 * r.get("dim", 0))):
            found["rank"] = (
                f"effective rank {record['rank']:.1f} of {record['dim']:.0f}: the embeddings have "
                f"collapsed. {self.failures or 'Try a lower --lr or weaker views.'}"
            )
        elif self._all(lambda r: r.get("spread", 1.0) < SMALL_SPREAD):
            found["rank"] = (
                f"spread {record['spread']:.3f}, where 1 is healthy: the embeddings have nearly "
                f"collapsed. {self.failures or 'Try a lower --lr or weaker views.'}"
            )
        if self._all(lambda r: _near(r.get("loss"), r.get("collapsed"))):
            found["loss"] = (
                f"loss {record['loss']:.3f} stays at its collapsed value "
                f"{record['collapsed']:.3f}: nothing is learned. "
                f"{self.failures or 'Try a lower --lr.'}"
            )
        if self._all(lambda r: r.get("data_wait", 0.0) > 0.3):
            found["wait"] = (
                f"{record['data_wait']:.0%} of the time is spent waiting for images and "
                "views: try a smaller --cache-side, or more --workers where images are decoded as "
                "they come."
            )
        if self._all(lambda r: r.get("gradient_norm", 1.0) < 1e-7):
            found["gradient"] = (
                f"gradient norm {record['gradient_norm']:.1e}: nothing moves. Try a higher --lr."
            )
        fresh = [Advice(name, text) for name, text in found.items() if name not in self.given]
        self.given |= found.keys()
        return fresh

    def _all(self, rule: object) -> bool:
        return all(rule(record) for record in self._history)  # type: ignore[operator]


def _near(loss: float | None, collapsed: float | None) -> bool:
    if loss is None or collapsed is None:
        return False
    return abs(loss - collapsed) <= COLLAPSED_SHARE * abs(collapsed)
