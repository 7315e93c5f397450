"""evaluate_run(): what a run's frozen features are worth on labels."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from presight.core import automatic, ranges
from presight.core.backbone import Backbone
from presight.core.settings import Settings
from presight.data.canvas import default_cache
from presight.evaluation.protocol import measure
from presight.evaluation.score import Score, find, weights_of, write_result
from presight.evaluation.table import score_table
from presight.pretraining import markup
from presight.pretraining.configuration import Configuration
from presight.pretraining.data import cache_folder, counted, open_labels
from presight.restore import load_backbone, origin_of, untrained_backbone
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

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return markup.frame(markup.preformatted(self.lines()))


def evaluate_run(
    run: str | Path,
    labels: str,
    *,
    test: str | None = None,
    seed: int = 0,
    device: str = "auto",
    download: bool = False,
    min_side: int | Literal["auto"] = "auto",
    max_bad_fraction: float | Literal["auto"] = "auto",
    follow_links: bool = False,
    quiet: bool = False,
) -> Measured:
    """Measure frozen features by neighbors and by a linear probe.

    What is not given here about images is as the run had it.

    Args:
        run: run folder.
        labels: labelled images.
        test: labelled images that are read once; without it a part of the labels is held out.
        seed: of the held-out parts.
        device: auto, cpu, cuda, mps or xpu.
        download: fetch a torchvision set that is not on disk.
        min_side: images with a shorter side are skipped, pixels.
        max_bad_fraction: stop where more of the images than this cannot be read, in [0, 1].
        follow_links: follow links that leave the folder.
        quiet: without progress.
    """
    folder = RunFolder(run)
    folder.open()
    own = Configuration.read(folder).settings
    ranges.check("min_side", min_side, "--min-side")
    ranges.check("max_bad_fraction", max_bad_fraction, "--max-bad-fraction")
    settings = dataclasses.replace(
        own,
        download=download or own.download,
        min_side=own.min_side if min_side == "auto" else min_side,
        max_bad_fraction=own.max_bad_fraction if max_bad_fraction == "auto" else max_bad_fraction,
        follow_links=follow_links or own.follow_links,
        quiet=quiet,
    )
    return _measured(folder, labels, test, seed, device, settings)


def _measured(
    folder: RunFolder, labels: str, test: str | None, seed: int, device: str, settings: Settings
) -> Measured:
    origin, weights = origin_of(folder.path), weights_of(folder)
    backbones: dict[str, Backbone] = {
        "pretrained": load_backbone(folder.path),
        "untrained": untrained_backbone(origin),
    }
    warnings: list[str] = []
    side = automatic.cache_side(origin.image_size).number
    train = open_labels(labels, settings, side, warnings)
    held = open_labels(test, settings, side, warnings) if test else None
    scores = measure(
        backbones,
        train,
        held,
        size=origin.image_size,
        seed=seed,
        device=pick_device(device),
        cache=(cache_folder(settings) or default_cache()) / "features",
        say=warnings.append,
        progress=counted("features", settings.quiet),
    )
    sets = [train] if held is None else [train, held]
    name = "-".join([f"classification-seed{seed}", *(one.fingerprint[:8] for one in sets)])
    protocol = {
        "task": "classification",
        "frozen": True,
        "labels": labels,
        "test": test or "a fifth of the labels, held out by class",
        "origin": asdict(origin),
        "weights": weights,
        "torch": torch.__version__,
    }
    place = folder.evaluation(name)
    write_result(place, scores, protocol)
    return Measured(place, scores, warnings)
