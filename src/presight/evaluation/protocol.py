"""What frozen features are worth on labelled images, beside the rows that put it in proportion."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from presight.core.wording import cut
from presight.data.duplicates import Duplicates, find_duplicates
from presight.errors import UsageError
from presight.evaluation import counts
from presight.evaluation.diagnose import IMAGES, augmented, diagnose
from presight.evaluation.features import Progress
from presight.evaluation.labelled import Division, LabelledImages, divide
from presight.evaluation.probes import ladder, probes, scored
from presight.evaluation.rows import RAW_PIXELS, Features, Options, of_backbone, of_pixels
from presight.evaluation.score import Score
from presight.evaluation.stages import Budget

if TYPE_CHECKING:
    from presight.core.backbone import Backbone
    from presight.core.recipe import Recipe

BLIND_GUESS = "blind guess"


@dataclasses.dataclass(frozen=True)
class Measurement:
    """What frozen features were measured to be worth.

    Args:
        scores: a row by a protocol, with a number of labels and their seed.
        division: the images that were learned from and measured on.
        features: by row, without the stages'.
        duplicates: which test images are near duplicates of training images.
        diagnostics: what a backbone's features tell without labels, by row; plain JSON.
        predictions: int64 [q] into the training set's classes, by row, protocol, labels and seed.
        warnings: about the data, near duplicates left out.
    """

    scores: list[Score]
    division: Division
    features: dict[str, Features]
    duplicates: Duplicates
    diagnostics: dict[str, dict[str, Any]]
    predictions: dict[tuple[str, str, int, int], Tensor]
    warnings: list[str]

    def without(self, rows: Sequence[int]) -> dict[str, float]:
        """Accuracy with the most labels on the test images that are not among some rows.

        Args:
            rows: of the test set.

        Returns:
            By `row/protocol`; empty where no test image is left.
        """
        kept = ~torch.isin(self.division.test_rows, torch.tensor(list(rows), dtype=torch.long))
        if not bool(kept.any()):
            return {}
        most = max(n for *_, n, _ in self.predictions)
        truth = self.division.test_labels[kept]
        return {
            f"{row}/{protocol}": float((answers[kept] == truth).float().mean())
            for (row, protocol, n, _), answers in self.predictions.items()
            if n == most
        }


def measure(
    backbones: Mapping[str, Backbone],
    train: LabelledImages,
    test: LabelledImages | None = None,
    *,
    size: int,
    seed: int = 0,
    label_counts: str = "all",
    label_seeds: int = 3,
    stages: Budget | None = None,
    pair: Recipe | None = None,
    device: torch.device | str = "cpu",
    cache: Path | None = None,
    test_share: float = 0.2,
    thorough: bool = False,
    batch_size: int = 256,
    views: Recipe | None = None,
    say: Callable[[str], None] | None = None,
    progress: Progress | None = None,
    probing: Progress | None = None,
) -> Measurement:
    """Accuracy of frozen features by neighbors and by a linear probe, beside two reference rows.

    The rows `raw pixels` and `blind guess` are always there.

    Choices are made on a part of train; the test part is predicted once. Below all labels every
    count is learned from several times, from other labels each time, which are the same for all
    rows and nested: those of a small count are among those of a larger one. A score's own interval
    is Wilson's, 95 %, over test images; `curve` has those over label seeds too. None says anything
    about other seeds of pretraining.

    Args:
        backbones: row's name -> backbone; `pretrained` and `untrained` belong here.
        train: labelled images to learn from.
        test: labelled images to measure on; without them a stratified part of train.
        size: side of a view, pixels.
        seed: of the hold-outs, and the first of the label seeds.
        label_counts: numbers of labels to learn from: auto, or as in 50,200,all.
        label_seeds: choices of labels at a count below all, 1 or more.
        stages: what probes of the backbones' stages may cost; None measures none.
        pair: two views of an image, by which diagnostics compare; None leaves those out.
        device: where the backbones and the linear probe run.
        cache: folder for features; None keeps nothing.
        test_share: of train that is measured on where there is no test set, in (0, 1).
        thorough: 45 strengths of the linear probe instead of seven.
        batch_size: images at a time.
        views: a recipe with the key `view`, instead of the image's center.
        say: told warnings, a line each; they also stand in the scores' details.
        progress: told images done and in all, for each backbone.
        probing: told probes done and in all.

    Raises:
        DataError: classes of test that train does not have, or no image to test.
        UsageError: a reserved row's name, or a count out of range.
    """
    _check(backbones, label_seeds)
    split = divide(train, test, test_share, seed)
    classes = len(torch.unique(split.train_labels))
    amounts = counts.read(label_counts, len(split.train_rows), classes, split.held)
    options = Options(
        size, seed, torch.device(device), cache, thorough, batch_size, views, progress
    )
    pixels = of_pixels(split, options)
    shared = _shared(split)
    common = _common(split, shared, size)
    common["warnings"] += counts.told(amounts, classes)
    if say is not None:
        for warning in (*shared.words("test images", "training images"), *common["warnings"]):
            say(warning)
    rows = [of_backbone(name, backbone, split, options) for name, backbone in backbones.items()]
    named = {row.row: row for row in (*rows, pixels)}
    told = {name: _diagnosed(backbone, named[name], split, pair, options)
            for name, backbone in backbones.items()}  # fmt: skip
    found = Measurement([], split, named, shared, told, {}, common["warnings"])
    _probe_all(found, amounts, label_seeds, options, common, probing)
    if stages is not None:
        for name, backbone in backbones.items():
            found.scores.extend(ladder(name, backbone, split, options, common, stages, probing))
    return found


def _check(backbones: Mapping[str, Backbone], label_seeds: int) -> None:
    if reserved := {RAW_PIXELS, BLIND_GUESS} & set(backbones):
        raise UsageError(f"`{min(reserved)}` is measured always; give the backbone another name.")
    if label_seeds < 1:
        raise UsageError(f"label_seeds is {label_seeds}; it must be 1 or more.")


def _shared(split: Division) -> Duplicates:
    """Test images that are near duplicates of training images."""
    return find_duplicates(split.test.images, split.test_rows, split.train.images, split.train_rows)


def _diagnosed(
    backbone: Backbone, features: Features, split: Division, pair: Recipe | None, options: Options
) -> dict[str, Any]:
    """Of the training part: what is looked at without labels may be looked at often."""
    if len(split.train_rows) < 2:
        return {}
    if pair is None:
        return diagnose(features.train, labels=split.train_labels)
    rows = split.train_rows[split.subset(IMAGES, options.seed)]
    views = augmented(
        backbone,
        split.train.images,
        rows,
        pair,
        device=options.device,
        progress=options.progress,
    )
    return diagnose(features.train, views, split.train_labels)


def _probe_all(
    found: Measurement,
    amounts: Sequence[int],
    label_seeds: int,
    options: Options,
    common: dict[str, Any],
    probing: Progress | None,
) -> None:
    """Every row with every number of labels, the same labels for all."""
    split = found.division
    everything = len(split.train_rows)
    choices = [
        (n, options.seed + number)
        for n in amounts
        for number in range(1 if n == everything else label_seeds)
    ]
    done, total = 0, len(choices) * len(found.features)
    for n, seed in choices:
        chosen = split.subset(n, seed)
        labels = split.train_labels[chosen]
        told = {**common, "label_classes": len(torch.unique(labels))}
        for features in found.features.values():
            part = dataclasses.replace(features, train=features.train[chosen])
            for protocol, predicted, settings in probes(part, labels, seed, options):
                found.predictions[(features.row, protocol, n, seed)] = predicted
                found.scores.append(
                    scored(features.row, protocol, predicted, split, (n, seed),
                           {**told, **features.details, **settings})
                )  # fmt: skip
            done += 1
            if probing is not None:
                probing(done, total)
        guess = torch.bincount(labels).argmax().expand(len(split.test_labels))
        found.predictions[(BLIND_GUESS, "majority", n, seed)] = guess
        found.scores.append(scored(BLIND_GUESS, "majority", guess, split, (n, seed), told))


def _common(split: Division, shared: Duplicates, size: int) -> dict[str, Any]:
    """What every score's details say: the data, the split, and warnings about them."""
    warnings: list[str] = []
    if split.kind == "given" and split.train.fingerprint == split.test.fingerprint:
        warnings.append("train and test are the same images; accuracies say nothing.")
    warnings += _untested(split)
    return {
        "train_fingerprint": split.train.fingerprint,
        "test_fingerprint": split.test.fingerprint,
        "split": split.kind,
        "classes": len(split.train.classes),
        "view_size": size,
        "shared_images": len(shared.rows),
        "warnings": warnings,
    }


def _untested(split: Division) -> list[str]:
    """A warning where classes that can be learned are not in the test part."""
    tested = set(split.test_labels.tolist())
    missed = [split.train.classes[label] for label in torch.unique(split.train_labels).tolist()
              if label not in tested]  # fmt: skip
    if not missed:
        return []
    names = ", ".join(cut(name) for name in missed[:3]) + (", ..." if len(missed) > 3 else "")
    return [
        f"{len(missed):,} of {len(split.train.classes):,} classes have no test image ({names}); "
        "accuracies say nothing about them."
    ]
