"""evaluate_run(): what a run's frozen features are worth on labels."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from presight.core import automatic, ranges
from presight.core.backbone import Backbone
from presight.core.settings import Settings
from presight.data.canvas import default_cache
from presight.data.source import shown
from presight.errors import UsageError
from presight.evaluation.diagnose import health_lines
from presight.evaluation.embedding.folder import embed, write_embedding
from presight.evaluation.labelled import LabelledImages
from presight.evaluation.predictions import write_arrays, write_predictions
from presight.evaluation.protocol import Measurement, measure
from presight.evaluation.score import Score, find, weights_of, write_result
from presight.evaluation.split import stratified_order
from presight.evaluation.stages import FULL, QUICK
from presight.evaluation.table import score_table, stage_line
from presight.evaluation.verdict import verdict
from presight.pretraining import markup
from presight.pretraining.configuration import Configuration
from presight.pretraining.data import as_asked, cache_folder, counted, open_labels
from presight.pretraining.keep import keep_probe
from presight.pretraining.overlap import overlap
from presight.pretraining.unlabelled import CAUTION, PAIR, look_without_labels
from presight.restore import Origin, load_backbone, origin_of, untrained_backbone
from presight.store.folder import RunFolder
from presight.training.runtime import pick_device
from presight.views.catalogue import recipe

_MAPPED = 2000  # test images whose neighbors and map the report shows
_BUDGETS = {"quick": QUICK, "full": FULL, "none": None}


@dataclass(frozen=True)
class Measured:
    """Scores of a run.

    Args:
        folder: of the evaluation, in the run folder.
        scores: all rows.
        warnings: about the data and the features.
        diagnostics: what features tell without labels, by row.
        model: the file that was kept, or None.
    """

    folder: Path
    scores: Sequence[Score]
    warnings: Sequence[str] = ()
    diagnostics: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    model: Path | None = None

    @property
    def summary(self) -> dict[str, Any]:
        """Rows, protocols and values with the most labels, and the verdict."""
        kinds = dict.fromkeys((s.row, s.protocol) for s in self.scores if not s.stage)
        values = {f"{row}/{protocol}": self.score(row, protocol) for row, protocol in kinds}
        told = verdict(self.scores).sentence
        kept = {"model": str(self.model)} if self.model else {}
        return {"folder": str(self.folder), "verdict": told, "scores": values, **kept}

    def score(self, row: str, protocol: str) -> float:
        """A value in [0, 1], with the most labels."""
        found = find(self.scores, row, protocol)
        if found is None:
            raise KeyError(f"{row}, {protocol}")
        return found.value

    def lines(self) -> list[str]:
        """Warnings about the data, the table, the stages, and the verdict."""
        if not self.scores:
            told = (f"note: {text}" for text in self.warnings)
            return [*health_lines(self.diagnostics), *told]
        return [
            *(f"note: {text}" for text in self.warnings),
            *score_table(self.scores).splitlines(),
            *filter(None, [stage_line(self.scores)]),
            *health_lines(self.diagnostics),
            verdict(self.scores).sentence,
            *([f"model {self.model}"] if self.model else []),
        ]

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return markup.frame(markup.preformatted(self.lines()))


def evaluate_run(
    run: str | Path,
    labels: str,
    *,
    test: str,
    label_counts: str,
    label_seeds: int,
    stages: str,
    seed: int,
    device: str,
    download: bool,
    min_side: int | Literal["auto"],
    max_bad_fraction: float | Literal["auto"],
    follow_links: bool,
    plugin: str,
    quiet: bool,
    keep: bool = False,
) -> Measured:
    """What `presight.evaluate` does, whose options and errors these are.

    Frozen features by neighbors and by a linear probe, from few labels to all. What is not given
    here about images is as the run had it.
    """
    if stages not in _BUDGETS:
        raise UsageError(f"stages is {stages!r}; expected one of {', '.join(_BUDGETS)}.")
    ranges.check_options(
        label_seeds=label_seeds, seed=seed, min_side=min_side, max_bad_fraction=max_bad_fraction
    )
    folder = RunFolder(run)
    folder.open()
    config = Configuration.read(folder, plugin)
    settings = as_asked(
        config.settings,
        download=download,
        follow_links=follow_links,
        quiet=quiet,
        min_side=min_side,
        max_bad_fraction=max_bad_fraction,
    )
    if not labels:
        place, told = look_without_labels(folder, config, settings, device)
        return Measured(place, [], [*told["pretrained"]["alarms"], CAUTION], told)
    asked = _Asked(labels, test, label_counts, label_seeds, stages, seed, device, keep)
    return _measured(folder, config, asked, settings)


@dataclass(frozen=True)
class _Asked:
    labels: str
    test: str
    label_counts: str
    label_seeds: int
    stages: str
    seed: int
    device: str
    keep: bool


def _measured(
    folder: RunFolder, config: Configuration, asked: _Asked, settings: Settings
) -> Measured:
    plugin = settings.plugin
    origin, weights = origin_of(folder.path, plugin), weights_of(folder)
    backbones: dict[str, Backbone] = {
        "pretrained": load_backbone(folder.path, plugin),
        "untrained": untrained_backbone(origin),
    }
    warnings: list[str] = []
    side = automatic.cache_side(origin.image_size).number
    train = open_labels(asked.labels, settings, side, warnings)
    held = open_labels(asked.test, settings, side, warnings) if asked.test else None
    found = measure(
        backbones,
        train,
        held,
        size=origin.image_size,
        seed=asked.seed,
        label_counts=asked.label_counts,
        label_seeds=asked.label_seeds,
        stages=_BUDGETS[asked.stages],
        pair=recipe(PAIR, size=origin.image_size),
        device=pick_device(asked.device),
        cache=(cache_folder(settings) or default_cache()) / "features",
        progress=counted("features", settings.quiet),
        probing=counted("probes", settings.quiet),
    )
    place = folder.evaluation(_name(asked, train, held))
    shared = overlap(config, found, settings, side)
    protocol = {
        **_protocol(asked, origin, weights),
        "duplicates": shared,
        "diagnostics": found.diagnostics,
    }
    _write(place, found, protocol)
    warnings = [*shared["words"], *warnings, *found.warnings]
    warnings += [*found.diagnostics["pretrained"].get("alarms", []), *shared["harmless"]]
    model = None
    if asked.keep:
        model = keep_probe(place, backbones["pretrained"], found, origin, protocol)
    return Measured(place, found.scores, warnings, found.diagnostics, model)


def _name(asked: _Asked, train: LabelledImages, held: LabelledImages | None) -> str:
    """Of the evaluation's folder: the same question about the same images has the same name."""
    sets = [train] if held is None else [train, held]
    return "-".join([f"classification-seed{asked.seed}", *(one.fingerprint[:8] for one in sets)])


def _protocol(asked: _Asked, origin: Origin, weights: str) -> dict[str, Any]:
    return {
        "task": "classification",
        "frozen": True,
        "labels": shown(asked.labels),
        "test": shown(asked.test) or "a fifth of the labels, held out by class",
        "label_counts": asked.label_counts,
        "label_seeds": asked.label_seeds,
        "stages": asked.stages,
        "origin": origin.words(),
        "weights": weights,
        "torch": torch.__version__,
    }


def _write(place: Path, found: Measurement, protocol: dict[str, Any]) -> None:
    write_result(place, found.scores, protocol)
    write_predictions(place, found)
    write_arrays(place, found)
    _embed(place / "embedding", found, protocol)


def _embed(place: Path, found: Measurement, protocol: dict[str, Any]) -> None:
    """Neighbors and a map of the test images, for the report; the first in a stratified order."""
    split = found.division
    if len(split.test_rows) < 2:
        return
    keys = split.test.keys(split.test_rows)
    kept = stratified_order(split.test_labels, 0, "embedding", keys)[:_MAPPED].sort().values
    rows = split.test_rows[kept]
    most = max(n for *_, n, _ in found.predictions)
    answers = next(
        answers for (row, protocol_, n, _), answers in found.predictions.items()
        if (row, protocol_, n) == ("pretrained", "linear", most)
    )  # fmt: skip
    made = embed(
        found.features["pretrained"].test[kept],
        split.test.names(rows),
        labels=split.test_labels[kept],
        classes=split.train.classes,
        predicted=answers[kept],
    )
    about = {"data": protocol["test"], "fingerprint": split.test.fingerprint,
             "weights": protocol["weights"]}  # fmt: skip
    write_embedding(place, made, split.test.images, rows, about)
