"""What frozen features are worth on labelled images, beside the rows that put it in proportion."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from presight.errors import UsageError
from presight.evaluation import diagnostics
from presight.evaluation.features import Progress, backbone_digest, cached, extract, raw_pixels
from presight.evaluation.intervals import wilson
from presight.evaluation.labelled import Division, LabelledImages, divide
from presight.evaluation.linear import linear_probe
from presight.evaluation.neighbors import knn, neighbor_count
from presight.evaluation.score import Score, packed_correct

if TYPE_CHECKING:
    from presight.core.backbone import Backbone
    from presight.core.recipe import Recipe
    from presight.data.canvas import Images

RAW_PIXELS = "raw pixels"
BLIND_GUESS = "blind guess"
_TEMPERATURE = 0.07
_FEW = 5000  # training images up to which raw pixels are of 32 pixels a side, not 16


@dataclasses.dataclass(frozen=True)
class _Options:
    size: int
    seed: int
    device: torch.device
    cache: Path | None
    thorough: bool
    batch_size: int
    views: Recipe | None
    progress: Progress | None


@dataclasses.dataclass(frozen=True)
class _Features:
    """A row's features of train and test; `details` names what they are."""

    row: str
    train: Tensor
    test: Tensor
    details: dict[str, Any]


def measure(
    backbones: Mapping[str, Backbone],
    train: LabelledImages,
    test: LabelledImages | None = None,
    *,
    size: int,
    seed: int = 0,
    device: torch.device | str = "cpu",
    cache: Path | None = None,
    test_share: float = 0.2,
    thorough: bool = False,
    batch_size: int = 256,
    views: Recipe | None = None,
    say: Callable[[str], None] | None = None,
    progress: Progress | None = None,
) -> list[Score]:
    """Accuracy of frozen features by neighbors and by a linear probe, beside two reference rows.

    The rows `raw pixels` and `blind guess` are always there.

    Choices are made on a part of train; the test part is predicted once. Intervals are Wilson's,
    95 %, over test images: they say nothing about other seeds of pretraining.

    Args:
        backbones: row's name -> backbone; `pretrained` and `untrained` belong here.
        train: labelled images to learn from.
        test: labelled images to measure on; without them a stratified part of train.
        size: side of a view, pixels.
        seed: of the hold-outs.
        device: where the backbones and the linear probe run.
        cache: folder for features; None keeps nothing.
        test_share: of train that is measured on where there is no test set, in (0, 1).
        thorough: 45 strengths of the linear probe instead of seven.
        batch_size: images at a time.
        views: a recipe with the key `view`, instead of the image's center.
        say: told warnings, a line each; they also stand in the scores' details.
        progress: told images done and in all, for each backbone.

    Returns:
        For each row its scores: knn and linear, or majority for the blind guess.

    Raises:
        DataError: classes of test that train does not have, or no image to test.
        UsageError: a reserved row's name.
    """
    if reserved := {RAW_PIXELS, BLIND_GUESS} & set(backbones):
        raise UsageError(f"`{min(reserved)}` is measured always; give the backbone another name.")
    split = divide(train, test, test_share, seed)
    options = _Options(
        size, seed, torch.device(device), cache, thorough, batch_size, views, progress
    )
    pixels = _pixels(split, options)
    common = _common(split, pixels, size)
    if say is not None:
        for warning in common["warnings"]:
            say(warning)
    rows = [_of_backbone(name, backbone, split, options) for name, backbone in backbones.items()]
    scores = [score for row in (*rows, pixels) for score in _probes(row, split, options, common)]
    return [*scores, _blind(split, common, seed)]


def _features(
    row: str,
    key: str,
    split: Division,
    side: int,
    options: _Options,
    compute: Callable[[Images], Tensor],
) -> _Features:
    """Features of both parts; a set that is both is computed once."""
    view = "center" if options.views is None else repr(options.views)

    def of(part: LabelledImages) -> Tensor:
        return cached(
            key, part.fingerprint, side, options.cache, lambda: compute(part.images), view=view
        )

    bank = of(split.train)
    queries = bank if split.test is split.train else of(split.test)
    details = {"features": key, "view": view, "size": side, "dim": bank.shape[1]}
    return _Features(row, bank[split.train_rows], queries[split.test_rows], details)


def _of_backbone(row: str, backbone: Backbone, split: Division, options: _Options) -> _Features:
    def compute(images: Images) -> Tensor:
        return extract(
            backbone,
            images,
            size=options.size,
            device=options.device,
            batch_size=options.batch_size,
            views=options.views,
            progress=options.progress,
        )

    features = _features(row, backbone_digest(backbone), split, options.size, options, compute)
    features.details.update(diagnostics.describe(features.train))
    return features


def _pixels(split: Division, options: _Options) -> _Features:
    side = 32 if len(split.train_rows) <= _FEW else 16
    return _features(
        RAW_PIXELS,
        "raw-pixels",
        split,
        side,
        options,
        lambda images: raw_pixels(images, side, views=options.views),
    )


def _common(split: Division, pixels: _Features, size: int) -> dict[str, Any]:
    """What every score's details say: the data, the split, and warnings about them."""
    shared = _shared(pixels.train, pixels.test)
    warnings = []
    if shared:
        warnings.append(
            f"{shared:,} of {len(pixels.test):,} test images are also in the training part; "
            "remove them, or accuracies are too high."
        )
    if split.kind == "given" and split.train.fingerprint == split.test.fingerprint:
        warnings.append("train and test are the same images; accuracies say nothing.")
    return {
        "train_fingerprint": split.train.fingerprint,
        "test_fingerprint": split.test.fingerprint,
        "split": split.kind,
        "classes": len(split.train.classes),
        "view_size": size,
        "shared_images": shared,
        "warnings": warnings,
    }


def _shared(train: Tensor, test: Tensor) -> int:
    """Rows of test that equal a row of train, after rounding to 256 levels."""
    seen = {row.tobytes() for row in _bytes(train)}
    return sum(row.tobytes() in seen for row in _bytes(test))


def _bytes(pixels: Tensor) -> Any:
    return (pixels * 255.0).round().to(torch.uint8).numpy()


def _probes(
    features: _Features, split: Division, options: _Options, common: dict[str, Any]
) -> list[Score]:
    device = options.device if options.device.type == "cuda" else torch.device("cpu")
    train, test = features.train.to(device), features.test.to(device)
    labels = split.train_labels.to(device)
    k = neighbor_count(len(train), len(torch.unique(labels)))
    by_neighbors = knn(train, labels, test, k=k, temperature=_TEMPERATURE)
    probe = linear_probe(train, labels, seed=options.seed, thorough=options.thorough)
    chosen = {
        "strength": probe.strength,
        "converged": probe.converged,
        "n_validation": probe.n_validation,
        "standardize": False,
        "trials": [dataclasses.asdict(trial) for trial in probe.trials],
    }
    answers: dict[str, tuple[Tensor, dict[str, Any]]] = {
        "knn": (by_neighbors, {"k": k, "temperature": _TEMPERATURE}),
        "linear": (probe.predict(test), chosen),
    }
    return [
        _score(features.row, protocol, predicted.cpu(), split, options.seed,
               {**common, **features.details, **settings})
        for protocol, (predicted, settings) in answers.items()
    ]  # fmt: skip


def _blind(split: Division, common: dict[str, Any], seed: int) -> Score:
    counts = torch.bincount(split.train_labels)
    predicted = counts.argmax().expand(len(split.test_labels))
    return _score(BLIND_GUESS, "majority", predicted, split, seed, common)


def _score(
    row: str, protocol: str, predicted: Tensor, split: Division, seed: int, details: dict[str, Any]
) -> Score:
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
    return Score(row, protocol, hits / n, low, high, len(split.train_rows), n, seed, full)
