"""run_study(): pretrain what is missing, measure every cell that is missing, and answer."""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from presight.core import automatic, registry
from presight.core.backbone import Backbone
from presight.core.options import split as split_options
from presight.core.settings import Settings
from presight.data.canvas import default_cache
from presight.errors import IntegrityError, UsageError
from presight.evaluation import counts
from presight.evaluation.finetune import StepBudget
from presight.evaluation.labelled import Division, divide
from presight.evaluation.score import weights_of
from presight.nn import catalog
from presight.pretraining.data import open_labels
from presight.pretraining.run import pretrain
from presight.pretraining.telling import counted, say
from presight.restore import Origin, load_backbone, origin_of, untrained_backbone
from presight.store import atomic
from presight.store.environment import version_of
from presight.store.folder import RunFolder
from presight.store.lock import Lock
from presight.studies.answer import Answer, answer
from presight.studies.bench import Bench
from presight.studies.cells import MODES, NONE, Arm, Cell, Mode, Row, grid, key
from presight.studies.rows import read_row, write_row, write_table
from presight.training.runtime import Runtime, pick_device

HELD_OUT = 0.2
"""Of the labels, that are measured on where there is no test set."""
LAYOUT = 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """What a study asks.

    Args:
        data: images without labels, to pretrain on.
        labels: labelled images.
        test: labelled images that are measured on; without them a fifth of the labels.
        methods: names, `none`, or paths of finished runs.
        backbones: names.
        modes: frozen, finetune or both.
        label_counts: as `evaluate` reads them.
        seeds: repetitions.
        minutes: of each pretraining; 0 takes the preset's epochs.
        epochs: of each pretraining; 0 leaves them to the minutes or the preset.
        image_size: side of a view, pixels.
        updates: of fine-tuning with few labels.
        device: auto, cpu, cuda, mps or xpu.
    """

    data: str
    labels: str
    test: str = ""
    methods: tuple[str, ...] = ("simclr", "rotation", NONE)
    backbones: tuple[str, ...] = ("auto",)
    modes: tuple[Mode, ...] = MODES
    label_counts: str = "auto"
    seeds: int = 3
    minutes: float = 0.0
    epochs: float = 0.0
    image_size: int = 32
    updates: int = 500
    device: str = "auto"


@dataclasses.dataclass(frozen=True)
class Studied:
    """What a study found.

    Args:
        folder: of the study.
        rows: all cells.
        answer: in words and numbers.
    """

    folder: Path
    rows: Sequence[Row]
    answer: Answer

    @property
    def summary(self) -> dict[str, Any]:
        """The answer and where the table is."""
        return {"folder": str(self.folder), "answer": self.answer.sentence, "cells": len(self.rows)}

    def lines(self) -> list[str]:
        """The table by number of labels, and the answer."""
        return [*self.answer.table(), self.answer.sentence, f"table     {self.folder}/results.csv"]


def run_study(plan: Plan, out: Path, *, quiet: bool = False) -> Studied:
    """Do what is missing of a study, and answer.

    Killed at any point, the same call goes on: finished pretrainings and cells are kept.

    Args:
        plan: what is asked.
        out: the study's folder.
        quiet: without progress.

    Raises:
        UsageError: a plan that asks nothing. DataError: labels that cannot be used.
    """
    _check(plan)
    atomic.make_folder(out / "cells")
    with Lock(out).acquire():
        atomic.sweep(out)
        arms = _arms(plan)
        tell: Callable[[str], None] = (lambda line: None) if quiet else say
        _pretrain_all(plan, arms, out, tell, quiet)
        runtime = Runtime(plan.device, "fp32")
        try:
            division = _division(plan, tell, quiet)
            bench = Bench(
                division,
                size=plan.image_size,
                budget=StepBudget(least=plan.updates),
                runtime=runtime,
                cache=default_cache() / "features",
            )
            cells = grid(arms, plan.modes, _counts(plan, division), plan.seeds)
            rows = _measured(plan, bench, cells, out, tell, quiet)
        finally:
            runtime.close()
        write_table(out / "results.csv", rows)
        found = answer(rows, bench.task.metrics[0].name)
        told = {"layout": LAYOUT, "plan": dataclasses.asdict(plan), "answer": found.record()}
        atomic.write_json(out / "study.json", told)
    return Studied(out, rows, found)


def _check(plan: Plan) -> None:
    if plan.seeds < 1:
        raise UsageError(f"--seeds is {plan.seeds}; it must be 1 or more.")
    if NONE not in plan.methods:
        raise UsageError(
            "--methods lacks none: without the network that is not pretrained there is nothing to "
            "compare with. Add none, as in --methods simclr,none."
        )
    if not plan.modes or set(plan.modes) - set(MODES):
        raise UsageError(f"--modes is {','.join(plan.modes)}; expected frozen, finetune or both.")


def _arms(plan: Plan) -> list[Arm]:
    """Methods on backbones; a finished run comes with its own."""
    found: dict[Arm, None] = {}
    for method in plan.methods:
        if _is_run(method):
            found[Arm(method, origin_of(Path(method)).backbone)] = None
            continue
        for name in plan.backbones:
            found[Arm(method, _backbone(name, plan))] = None
    for arm in list(found):  # every backbone needs its scratch
        found.setdefault(Arm(NONE, arm.backbone))
    return list(found)


def _is_run(method: str) -> bool:
    """Whether it is a run's folder; a method's name is one whatever folders there are.

    Raises:
        UsageError: it is neither.
    """
    if method in (NONE, *registry.names()):
        return False
    if not RunFolder(method).exists:
        registry.entry(method)  # says which names there are
    return True


def _backbone(name: str, plan: Plan) -> str:
    if name != "auto":
        catalog.check(name)
        return name
    return str(automatic.backbone(pick_device(plan.device).type != "cpu").value)


def _run_folder(arm: Arm, seed: int, out: Path) -> Path:
    """Where an arm's pretrained backbone of a repetition is."""
    if _is_run(arm.method):
        return Path(arm.method)
    plain = "".join(c if c.isalnum() or c in ".-" else "-" for c in arm.backbone)
    return out / "runs" / f"{arm.method}-{plain}-seed{seed}"


def _pretrain_all(
    plan: Plan, arms: Sequence[Arm], out: Path, tell: Callable[[str], None], quiet: bool
) -> None:
    """Every pretraining that is not finished, whole repetitions first."""
    missing = [
        (arm, seed)
        for seed in range(plan.seeds)
        for arm in arms
        if arm.method != NONE and not _is_done(_run_folder(arm, seed, out))
    ]
    length = {"minutes": plan.minutes} if plan.minutes else {}
    length |= {"epochs": plan.epochs} if plan.epochs else {}
    for number, (arm, seed) in enumerate(missing, 1):
        tell(f"[{number}/{len(missing)}] pretraining without labels: {arm}, seed {seed}")
        parts = split_options(
            method=arm.method,
            backbone=arm.backbone,
            out=str(_run_folder(arm, seed, out)),
            image_size=plan.image_size,
            device=plan.device,
            seed=seed,
            quiet=quiet,
            **length,
        )
        pretrain(plan.data, settings=parts.settings, plan=parts.plan, options=parts.options)


def _is_done(run: Path) -> bool:
    folder = RunFolder(run)
    return folder.exists and folder.status == "done"


def _division(plan: Plan, tell: Callable[[str], None], quiet: bool) -> Division:
    settings = dataclasses.replace(Settings(), quiet=quiet)
    side = automatic.cache_side(plan.image_size).number
    odd: list[str] = []
    train = open_labels(plan.labels, settings, side, odd)
    held = open_labels(plan.test, settings, side, odd) if plan.test else None
    for line in odd:
        tell(f"note: {line}")
    return divide(train, held, HELD_OUT, 0)


def _counts(plan: Plan, division: Division) -> list[int]:
    classes = len(torch.unique(division.train_labels))
    return counts.read(plan.label_counts, len(division.train_rows), classes)


def _measured(
    plan: Plan,
    bench: Bench,
    cells: Sequence[Cell],
    out: Path,
    tell: Callable[[str], None],
    quiet: bool,
) -> list[Row]:
    """Rows of all cells; those that are there already are read, the others measured and written."""
    rows: dict[Cell, Row] = {}
    places: dict[Cell, Path] = {}
    for cell in cells:
        places[cell] = out / "cells" / f"{key(cell, _protocol(plan, bench, cell, out))}.json"
        if places[cell].is_file():
            try:
                rows[cell] = read_row(places[cell])
            except IntegrityError as error:
                tell(f"note: {error}")
    missing = [cell for cell in cells if cell not in rows]
    progress = counted("cells", quiet)
    if missing:
        tell(f"measuring {len(missing)} of {len(cells)} cells; the others are there already")
    began = time.monotonic()
    # Cells of an arm and a repetition stand together: its backbone and features are made once.
    network = functools.lru_cache(maxsize=1)(functools.partial(_network, plan, out))
    for number, cell in enumerate(missing, 1):
        rows[cell] = bench.measure(cell, network(cell.arm, cell.seed), _weights(cell, out))
        write_row(places[cell], rows[cell])
        if progress is not None:
            progress(number, len(missing))
    if missing:
        tell(f"measured in {(time.monotonic() - began) / 60:.1f} minutes")
    return [rows[cell] for cell in cells]


def _protocol(plan: Plan, bench: Bench, cell: Cell, out: Path) -> Mapping[str, Any]:
    """What a cell's result depends on beside its own fields."""
    return {**bench.protocol, "weights": _weights(cell, out), "presight": version_of("presight")}


def _weights(cell: Cell, out: Path) -> dict[str, Any]:
    """Which pretrained weights a cell starts from."""
    if cell.arm.method == NONE:
        return {"weights": "drawn"}
    return {"weights": weights_of(RunFolder(_run_folder(cell.arm, cell.seed, out)))}


def _network(plan: Plan, out: Path, arm: Arm, seed: int) -> Backbone:
    """The backbone of an arm and a repetition; of `none` with weights that the seed draws."""
    if arm.method != NONE:
        return load_backbone(_run_folder(arm, seed, out))
    drawn = Origin(arm.backbone, "auto", plan.image_size, "", {}, {}, seed, ordinary=True)
    return untrained_backbone(drawn)
