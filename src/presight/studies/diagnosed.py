"""Cheap figures of a study's networks: without labels, and with labels but without training."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from presight.evaluation.clusters import clustered
from presight.evaluation.neighbors import knn
from presight.pretraining.unlabelled import without_labels
from presight.studies.cells import Arm
from presight.studies.kept import kept
from presight.studies.trust import Diagnosed

if TYPE_CHECKING:
    from presight.core.backbone import Backbone
    from presight.data.canvas import Images

FIGURES: Mapping[str, str] = {
    "effective_rank": "effective rank",
    "rankme": "RankMe",
    "feature_std": "spread",
    "feature_std_centered": "spread, centered",
    "norm_median": "norm",
    "dead_units": "dead units",
    "uniformity": "uniformity",
    "alignment": "alignment",
    "lidar": "LiDAR",
    "lidar_signal": "LiDAR's signal",
    "alpha": "alpha",
}
"""In words, by the name that `diagnose` gives."""
_MOST = 5000
"""Labelled images that neighbors vote on, at most."""


def diagnosed(
    arm: Arm,
    seed: int,
    network: Callable[[], Backbone],
    images: Images,
    folder: Path,
    *,
    about: Mapping[str, Any],
    size: int,
    device: torch.device,
    labelled: Callable[[Backbone], tuple[Tensor, Tensor]] | None = None,
) -> Diagnosed:
    """Figures of a network, or what was measured of it before.

    Args:
        arm: whose network.
        seed: of the repetition.
        network: gives it; not called where its figures are there already.
        images: without labels, the same for all networks.
        folder: for one small file a network.
        about: the weights and the images' fingerprints; plain JSON.
        size: side of a view, pixels, the same for all networks.
        device: where the network runs.
        labelled: gives features [n, d] and classes int64 [n] of images to learn from; None where
            the task has no classes.
    """
    asked = {**about, "size": size, "images": len(images), "labelled": labelled is not None}

    def measured() -> dict[str, Any]:
        backbone = network()
        vectors, told = without_labels(backbone, images, size=size, device=device)
        with_labels = {} if labelled is None else _labelled(*labelled(backbone))
        found = Diagnosed(arm, seed, len(vectors), _figures(told), with_labels)
        return dataclasses.asdict(found)

    return Diagnosed(**{**kept(folder, arm, seed, asked, measured), "arm": arm})


def _figures(told: Mapping[str, Any]) -> dict[str, float]:
    """By name in words; what could not be measured is left out."""
    found = {words: float(told[name]) for name, words in FIGURES.items()
             if told.get(name) is not None}  # fmt: skip
    found["effective rank / width"] = told["effective_rank"] / told["dim"]
    found["alignment + uniformity"] = told["alignment"] + told["uniformity"]
    return found


def _labelled(features: Tensor, labels: Tensor) -> dict[str, float]:
    """Figures that take labels."""
    if len(torch.unique(labels)) < 2:
        return {}
    rows = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))[:_MOST]
    features, labels = features[rows], labels[rows]
    near = knn(features, labels, features, leave_one_out=True)
    return {
        "kNN, leave one out": float((near == labels).double().mean()),
        "clusters, AMI": clustered(features, labels).ami,
    }
