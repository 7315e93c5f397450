"""Measuring a frozen backbone: features, kNN, linear probe, diagnostics, intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from presight import lazy

if TYPE_CHECKING:
    from presight.evaluation.labels_saved import Utility as Utility
    from presight.evaluation.labels_saved import utility as utility
    from presight.evaluation.linear import Probe as Probe
    from presight.evaluation.linear import linear_probe as linear_probe
    from presight.evaluation.neighbors import knn as knn

__getattr__ = lazy.names(
    __name__,
    {
        "knn": "neighbors",
        "linear_probe": "linear",
        "Probe": "linear",
        "utility": "labels_saved",
        "Utility": "labels_saved",
    },
)
