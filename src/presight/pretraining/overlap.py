"""Which labelled images are also among those that were pretrained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from presight.core.draw import shuffled
from presight.core.settings import Settings
from presight.data.duplicates import Duplicates, find_duplicates
from presight.data.source import shown
from presight.errors import DataError
from presight.evaluation.protocol import Measurement
from presight.pretraining.configuration import Configuration
from presight.pretraining.data import as_asked, counted, images_for, open_data

MOST = 200_000
"""Pretraining images that are looked among."""


def overlap(
    config: Configuration, found: Measurement, settings: Settings, side: int
) -> dict[str, Any]:
    """Near duplicates between pretraining, training and test images, plain JSON.

    Args:
        config: of the run.
        found: what was measured.
        settings: as asked of this evaluation.
        side: short side of the cached images, pixels.

    Returns:
        Counts by pair of sets; `words` says what has to be known first, `without` holds accuracies
        without the test images concerned.
    """
    split = found.division
    told: dict[str, Any] = {"train_test": found.duplicates.to_json()}
    words = _words(found, found.duplicates, "training images")
    # Limits stay the run's own: other ones would let in images that it never saw.
    own = as_asked(
        config.settings,
        download=settings.download,
        follow_links=settings.follow_links,
        quiet=settings.quiet,
    )
    try:
        images = images_for(open_data(config.data, own), config.data, own, side, [])
    except DataError:
        told["note"] = f"the pretraining images {shown(config.data)} are not here to compare with."
        return {**told, "words": words}
    rows = torch.arange(len(images))
    if len(rows) > MOST:
        rows = shuffled(len(rows), 0, "overlap")[:MOST].sort().values
        told["note"] = f"{MOST:,} of {len(images):,} pretraining images were looked among."
    said = counted("looking for near duplicates", settings.quiet)
    tested = find_duplicates(split.test.images, split.test_rows, images, rows, progress=said)
    learned = find_duplicates(split.train.images, split.train_rows, images, rows, progress=said)
    told["pretraining_test"], told["pretraining_train"] = tested.to_json(), learned.to_json()
    words += _words(found, tested, "pretraining images")
    concerned = {*found.duplicates.rows, *tested.rows}
    return {**told, "words": words, "without": found.without(sorted(concerned))}


def _words(found: Measurement, duplicates: Duplicates, those: str) -> list[str]:
    """What was found, and what the accuracy is without it."""
    words = duplicates.words("test images", those)
    return [_with_accuracy(found, duplicates.rows, text) for text in words]


def _with_accuracy(found: Measurement, rows: Sequence[int], text: str) -> str:
    name = "pretrained/linear"
    every, rest = found.without([]).get(name), found.without(rows).get(name)
    if every is None:
        return text
    if rest is None:
        return f"{text} No test image is left without them."
    return f"{text} Without them the linear probe reaches {rest:.1%} instead of {every:.1%}."
