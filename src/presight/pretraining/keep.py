"""A frozen evaluation's linear probe, kept as the head of a model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from presight.core.backbone import Backbone
from presight.data.source import name_of
from presight.evaluation.classifier import LinearClassifier
from presight.evaluation.kept import Facts, probed, save_model
from presight.evaluation.linear import linear_probe
from presight.evaluation.outcomes import PRETRAINED
from presight.evaluation.protocol import Measurement
from presight.evaluation.score import find
from presight.restore import Origin


def keep_probe(
    place: Path,
    backbone: Backbone,
    found: Measurement,
    origin: Origin,
    protocol: Mapping[str, Any],
) -> Path:
    """Fit the probe of the most labels again and write it with its backbone.

    Args:
        place: the evaluation's folder.
        backbone: the pretrained one.
        found: what was measured of it.
        origin: where the backbone comes from.
        protocol: of the evaluation.

    Returns:
        The model's file.
    """
    split, features = found.division, found.features[PRETRAINED]
    score = find(found.scores, PRETRAINED, "linear")
    assert score is not None
    chosen = split.subset(score.n_train, score.seed)
    bank, labels = features.train[chosen], split.train_labels[chosen]
    seen = torch.unique(labels)
    if len(seen) > 1:
        probe: LinearClassifier = linear_probe(bank, labels, seed=score.seed)
    else:  # always the one class
        probe = LinearClassifier(seen, bank.new_zeros(1, bank.shape[1]), bank.new_zeros(1), 0.0)
    names = tuple(split.train.classes)
    about = {
        "labels": name_of(protocol["labels"]),
        "n_labels": score.n_train,
        "seed": score.seed,
        "weights": protocol["weights"],
        "scores": {"accuracy": score.value},
    }
    facts = Facts("classification", names, {}, origin.image_size, "frozen", about)
    return save_model(place, probed(backbone, probe, len(names)), origin, facts)
