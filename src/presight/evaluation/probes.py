"""Probes of one row: predictions of test images, scored."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from presight.evaluation.features import Progress
from presight.evaluation.intervals import wilson
from presight.evaluation.labelled import Division, LabelledImages
from presight.evaluation.linear import linear_probe
from presight.evaluation.neighbors import knn, neighbor_count
from presight.evaluation.rows import Features, Options
from presight.evaluation.score import Score, packed_correct
from presight.evaluation.stages import Budget, normalized, stage_features

if TYPE_CHECKING:
    from presight.core.backbone import Backbone

_TEMPERATURE = 0.07


def probes(
    features: Features, labels: Tensor, seed: int, options: Options
) -> Iterator[tuple[str, Tensor, dict[str, Any]]]:
    """Each protocol's name, predictions on the CPU and settings."""
    device = options.device if options.device.type == "cuda" else torch.device("cpu")
    train, test, labels = features.train.to(device), features.test.to(device), labels.to(device)
    k = neighbor_count(len(train), len(torch.unique(labels)))
    near = knn(train, labels, test, k=k, temperature=_TEMPERATURE)
    yield "knn", near.cpu(), {"k": k, "temperature": _TEMPERATURE}
    yield ("linear", *linear_answers(train, labels, test, seed, thorough=options.thorough))


def linear_answers(
    train: Tensor, labels: Tensor, test: Tensor, seed: int, **how: Any
) -> tuple[Tensor, dict[str, Any]]:
    """Predictions of a linear probe on the CPU, and what it chose; of one class there is no choice.

    Args:
        train: float [n, d].
        labels: int64 [n].
        test: float [q, d].
        seed: of the probe's hold-outs.
        how: what else `linear_probe` takes.
    """
    if len(torch.unique(labels)) == 1:
        return labels[:1].expand(len(test)).cpu(), {"classes_seen": 1}
    probe = linear_probe(train, labels, seed=seed, **how)
    settings = {
        "strength": probe.strength,
        "converged": probe.converged,
        "n_validation": probe.n_validation,
        "standardize": False,
        "trials": [dataclasses.asdict(trial) for trial in probe.trials],
    }
    return probe.predict(test).cpu(), settings


def ladder(
    row: str,
    backbone: Backbone,
    split: Division,
    options: Options,
    common: dict[str, Any],
    budget: Budget,
    probing: Progress | None,
) -> Iterator[Score]:
    """A linear probe of every stage, with as many labels as the budget allows."""
    n = min(budget.images, len(split.train_rows))
    chosen = split.subset(n, options.seed)

    def of(part: LabelledImages, rows: Tensor) -> list[Tensor]:
        return stage_features(backbone, part.images, rows, budget.width, options.extract)

    learned = of(split.train, split.train_rows[chosen])
    measured = of(split.test, split.test_rows)
    labels = split.train_labels[chosen]
    total = len(backbone.stage_dims)
    for number, channels in enumerate(backbone.stage_dims):
        train, test = normalized(learned[number], measured[number], channels)
        # Stages are wide, and compared by shape: several hold-outs would be most of the time.
        predicted, settings = linear_answers(
            train, labels, test, options.seed, thorough=options.thorough, hold_outs=1
        )
        details = {**common, **settings, "standardize": True, "dim": train.shape[1],
                   "channels": channels, "budget": budget.words}  # fmt: skip
        yield scored(row, "linear", predicted, split, (n, options.seed), details, f"f{number + 1}")
        if probing is not None:
            probing(number + 1, total)


def scored(
    row: str,
    protocol: str,
    predicted: Tensor,
    split: Division,
    chosen: tuple[int, int],
    details: dict[str, Any],
    stage: str = "",
) -> Score:
    """A score of predictions.

    Args:
        row: whose.
        protocol: how they were made.
        predicted: int64 [q] into the training set's classes.
        split: the test part.
        chosen: number of labels that were learned from, and their seed.
        details: plain JSON.
        stage: whose features; empty for the network's output.
    """
    n_train, seed = chosen
    correct = predicted == split.test_labels
    hits, n = int(correct.sum()), len(correct)
    by_class = [
        float(correct[split.test_labels == label].float().mean())
        for label in torch.unique(split.test_labels)
    ]
    low, high = wilson(hits, n)
    full = {
        **details,
        "mean_per_class": sum(by_class) / len(by_class),
        "correct": packed_correct(correct.numpy()),
    }
    return Score(row, protocol, hits / n, low, high, n_train, n, seed, full, stage)
