"""A frozen backbone by a table's recipe: linear classifiers on random crops, the last epoch."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from typing import Any

import torch

from presight.core import registry
from presight.core.backbone import Backbone
from presight.core.batch import Batch
from presight.core.draw import Draw
from presight.core.recipe import Recipe
from presight.evaluation.features import extract, frozen
from presight.evaluation.feeds import Forwarded
from presight.evaluation.labelled import Division
from presight.evaluation.sgd_linear import SgdPlan, sgd_linear
from presight.evaluation.tasks.classification import Classification
from presight.pretraining.configuration import Configuration
from presight.pretraining.telling import counted
from presight.restore import build_method
from presight.store.folder import RunFolder
from presight.studies.cells import Cell, Row
from presight.studies.rows import packed
from presight.views.catalogue import recipe


def linear_row(
    cell: Cell,
    backbone: Backbone,
    division: Division,
    about: Mapping[str, Any],
    *,
    size: int,
    epochs: int,
    device: torch.device,
    quiet: bool = True,
) -> Row:
    """Measure a frozen backbone by the table's recipe.

    Args:
        cell: what it is.
        backbone: is not changed.
        division: images to learn from, of which a tenth chooses the classifier, and to measure on.
        about: the pretraining, for the row's details.
        size: side of a view, pixels.
        epochs: of the classifiers.
        device: where the backbone runs.
        quiet: without progress.

    Raises:
        Diverged: every classifier did. UsageError: features that are not finite.
    """
    began = time.monotonic()
    images, labels = division.train.images, division.train.labels
    feed = Forwarded(
        backbone, images, recipe("crop", size=size), recipe("center", size=size), cell.seed
    )
    with frozen(backbone, device):
        probe = sgd_linear(
            feed, labels, division.train_rows, plan=SgdPlan(epochs=epochs),
            seed=cell.seed, progress=counted("epochs of the linear classifiers", quiet),
        )  # fmt: skip
    features = extract(backbone, division.test.images, size=size, device=device)
    predicted = probe.predict(features.to(probe.weight.device)).cpu()
    tested = Classification(division.test_labels, len(division.train.classes))
    found = tested.score(predicted, torch.arange(len(predicted)))
    told = {
        "protocol": probe.protocol,
        "rate": probe.rate,
        "decay": probe.strength,
        "held_out": probe.n_validation,
        "trials": [dataclasses.asdict(trial) for trial in probe.trials],
    }
    return Row(
        cell,
        {name: float(parts.mean()) for name, parts in found.items()},
        {name: packed(parts) for name, parts in found.items()},
        len(predicted),
        time.monotonic() - began,
        {**about, **told},
    )


def pretraining(run: RunFolder) -> dict[str, Any]:
    """What a figure has to be told with: method, epochs, batch and crops of a run's pretraining."""
    config = Configuration.read(run)
    told: dict[str, Any] = {
        "pretrained": config.settings.method,
        "epochs": float(config.plan.epochs),
        "batch_size": config.plan.batch_size,
        "images": config.fingerprint,
        "crops": "",
    }
    if config.settings.method in registry.names():
        views = build_method(config.origin).views
        told["crops"] = crops(views, config.spec.image_size, config.spec.channels)
    return told


def crops(views: Recipe, side: int, channels: int = 3) -> str:
    """How an image is seen in an epoch, as `2 x 224 + 6 x 96`: pictures of a side in pixels."""
    images = torch.zeros(2, channels, side, side, dtype=torch.uint8)
    batch = Batch.of(images)
    made = views(batch, Draw(0, 0, batch.index)).values()
    pictures = [view for view in made if view.ndim >= 4 and view.is_floating_point()]
    return " + ".join(
        f"{view[..., 0, 0, 0].numel() // len(batch)} x {view.shape[-1]}" for view in pictures
    )
