"""evaluate_run(): what a run's frozen features are worth on labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from presight.core import automatic
from presight.core.backbone import Backbone
from presight.data.canvas import default_cache, images_of
from presight.data.open import open_labelled
from presight.evaluation.labelled import LabelledImages
from presight.evaluation.protocol import measure
from presight.evaluation.score import Score, find, write_result
from presight.evaluation.table import score_table
from presight.pretraining.data import counted
from presight.restore import Origin, load_backbone, origin_of, untrained_backbone
from presight.store.folder import RunFolder
from presight.training.runtime import pick_device


@dataclass(frozen=True)
class Measured:
    """Scores of a run.

    Args:
        folder: of the evaluation, in the run folder.
        scores: all rows.
        warnings: about the data.
    """

    folder: Path
    scores: Sequence[Score]
    warnings: Sequence[str] = ()

    @property
    def summary(self) -> dict[str, Any]:
        """Rows, protocols and values."""
        values = {f"{s.row}/{s.protocol}": s.value for s in self.scores}
        return {"folder": str(self.folder), "scores": values}

    def score(self, row: str, protocol: str) -> float:
        """A value in [0, 1]."""
        found = find(self.scores, row, protocol)
        if found is None:
            raise KeyError(f"{row}, {protocol}")
        return found.value

    def lines(self) -> list[str]:
        """The table, and warnings about the data."""
        return [*score_table(self.scores).splitlines(), *(f"note: {x}" for x in self.warnings)]


def evaluate_run(
    run: str | Path,
    labels: str,
    *,
    test: str | None = None,
    seed: int = 0,
    device: str = "auto",
    quiet: bool = False,
) -> Measured:
    """Measure frozen features by neighbors and by a linear probe.

    Args:
        run: run folder.
        labels: labelled images.
        test: labelled images that are read once; without it a part of the labels is held out.
        seed: of the held-out parts.
        device: auto, cpu, cuda, mps or xpu.
        quiet: without progress.
    """
    folder = RunFolder(run)
    folder.open()
    origin = origin_of(folder.path)
    backbones: dict[str, Backbone] = {
        "pretrained": load_backbone(folder.path),
        "untrained": untrained_backbone(origin),
    }
    train = _labelled(labels, origin, quiet)
    held = _labelled(test, origin, quiet) if test else None
    warnings: list[str] = []
    scores = measure(
        backbones,
        train,
        held,
        size=origin.image_size,
        seed=seed,
        device=pick_device(device),
        cache=default_cache() / "features",
        say=warnings.append,
        progress=counted("features", quiet),
    )
    name = f"classification-seed{seed}-{train.fingerprint[:8]}"
    protocol = {
        "task": "classification",
        "frozen": True,
        "labels": labels,
        "test": test or "a fifth of the labels, held out by class",
        "origin": asdict(origin),
        "torch": torch.__version__,
    }
    place = folder.evaluation(name)
    write_result(place, scores, protocol)
    return Measured(place, scores, warnings)


def _labelled(spec: str, origin: Origin, quiet: bool) -> LabelledImages:
    """Labelled images at the cached side that this run's views ask for."""
    source = open_labelled(spec, progress=counted("looking at images", quiet))
    side = automatic.cache_side(origin.image_size).number
    images = images_of(source, side=side, progress=counted("decoding once", quiet))
    return LabelledImages.of(source, images)
