"""Which labelled images are also among those that were pretrained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from presight.core.draw import shuffled
from presight.core.settings import Settings
from presight.data.duplicates import Duplicates, find_duplicates
from presight.data.source import shown
from presight.errors import DataError
from presight.evaluation.protocol import Measurement
from presight.pretraining.configuration import Configuration
from presight.pretraining.data import counted, images_for, of_the_run, open_data

MOST = 200_000
"""Pretraining images that are looked among."""

_CHANGED = 0.001  # of an accuracy
_HEADLINE = "pretrained/linear"


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
        Counts by pair of sets; `words` says what has to be known first, `harmless` what changes no
        accuracy by 0.1 points, `without` holds accuracies without the test images concerned.
    """
    split = found.division
    told: dict[str, Any] = {
        "train_test": found.duplicates.to_json(),
        **_words(found, {"training images": found.duplicates}),
    }
    own = of_the_run(config.settings, settings)
    try:
        images = images_for(open_data(config.data, own), config.data, own, side, [])
    except DataError:
        told["note"] = f"the pretraining images {shown(config.data)} are not here to compare with."
        return told
    rows = torch.arange(len(images))
    if len(rows) > MOST:
        rows = shuffled(len(rows), 0, "overlap")[:MOST].sort().values
        told["note"] = f"{MOST:,} of {len(images):,} pretraining images were looked among."
    said = counted("looking for near duplicates", settings.quiet)
    tested = find_duplicates(split.test.images, split.test_rows, images, rows, progress=said)
    learned = find_duplicates(split.train.images, split.train_rows, images, rows, progress=said)
    told["pretraining_test"], told["pretraining_train"] = tested.to_json(), learned.to_json()
    told |= _words(found, {"training images": found.duplicates, "pretraining images": tested})
    concerned = {*found.duplicates.rows, *tested.rows}
    return {**told, "without": found.without(sorted(concerned))}


def _words(found: Measurement, duplicates: Mapping[str, Duplicates]) -> dict[str, list[str]]:
    """What was found among which images, and what the accuracies are without it."""
    told: dict[str, list[str]] = {"words": [], "harmless": []}
    for those, one in duplicates.items():
        for text in one.words("test images", those):
            changes, effect = _effect(found, one.rows)
            told["words" if changes else "harmless"].append(f"{text} {effect}")
    return told


def _effect(found: Measurement, rows: Sequence[int]) -> tuple[bool, str]:
    """Whether leaving test images out changes an accuracy, and the words for it."""
    every, rest = found.without([]), found.without(rows)
    if not rest:
        return True, "No test image is left without them."
    changed = {name: abs(rest[name] - every[name]) for name in every}
    name = max(changed, key=lambda name: (changed[name] >= _CHANGED, name == _HEADLINE))
    if changed[name] < _CHANGED:
        return False, "Leaving them out changes no accuracy by 0.1 points."
    what = "the linear probe" if name == _HEADLINE else name
    return True, f"Without them {what} reaches {rest[name]:.1%} instead of {every[name]:.1%}."
