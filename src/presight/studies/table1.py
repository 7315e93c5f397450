"""run_table1(): the survey's table of frozen backbones, measured by one recipe beside its figures.

Every backbone is frozen; linear classifiers of 16 settings learn for 100 epochs from random crops
and flips, all on one forward a batch; the setting is chosen on a part of train, its last epoch
counts, and the images of val are read once.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from presight.core import automatic, registry
from presight.core.options import split as split_options
from presight.core.settings import Settings
from presight.errors import DataError, Diverged, IntegrityError, UsageError
from presight.evaluation.labelled import Division, divide
from presight.evaluation.score import weights_of
from presight.evaluation.sgd_linear import SgdPlan
from presight.nn import catalog
from presight.pretraining.data import open_labels
from presight.pretraining.run import pretrain
from presight.pretraining.telling import say
from presight.restore import Origin, load_backbone, origin_of, untrained_backbone
from presight.store import atomic
from presight.store.environment import version_of
from presight.store.folder import RunFolder
from presight.store.lock import Lock
from presight.studies.cells import NONE, Arm, Cell, Row, key
from presight.studies.linear_row import linear_row, pretraining
from presight.studies.published import BACKBONE, PROBE_EPOCHS, ROWS, SIDE, Setting
from presight.studies.rows import read_row, write_row
from presight.studies.standing import Table1, standing
from presight.training.runtime import pick_device

_TRAIN, _VAL = "train", "val"
"""Folders of the data: to pretrain on and learn from, and to measure on."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """What a table asks; see `run_table1`."""

    data: str
    backbone: str
    image_size: int
    epochs: float
    minutes: float
    probe_epochs: int
    seeds: int
    methods: tuple[str, ...]
    device: str


def run_table1(
    data: str,
    out: Path,
    *,
    backbone: str = BACKBONE,
    image_size: int = SIDE,
    epochs: float = 0.0,
    minutes: float = 0.0,
    probe_epochs: int = PROBE_EPOCHS,
    seeds: int = 1,
    methods: Sequence[str] = (),
    device: str = "auto",
    quiet: bool = False,
) -> Table1:
    """Pretrain and measure what is missing of the table, and set it beside the published figures.

    Killed at any point, the same call goes on: finished pretrainings and rows are kept.

    Args:
        data: a folder with train and val, class folders in each; pretraining sees no classes.
        out: the table's folder.
        backbone: its name.
        image_size: side of a view, pixels.
        epochs: of each pretraining; 0 leaves them to the minutes or the method's preset.
        minutes: of each pretraining; 0 takes the epochs.
        probe_epochs: of the linear classifiers.
        seeds: repetitions, each with a pretraining of its own; a finished run is measured once.
        methods: names, `none` for the untrained network, or paths of finished runs; empty takes
            all of the table's that have landed, and `none`.
        device: auto, cpu, cuda, mps or xpu.
        quiet: without progress.

    Raises:
        DataError: no train or val, or classes that do not fit. UsageError: an option out of range.
    """
    asked = tuple(dict.fromkeys(methods)) or (NONE, *landed())
    plan = Plan(
        data=data, backbone=backbone, image_size=image_size, epochs=epochs, minutes=minutes,
        probe_epochs=probe_epochs, seeds=seeds, methods=asked, device=device,
    )  # fmt: skip
    _check(plan)
    tell: Callable[[str], None] = (lambda line: None) if quiet else say
    atomic.make_folder(out / "rows")
    with Lock(out).acquire():
        atomic.sweep(out)
        division = _division(plan, tell, quiet)
        rows, failed = _measured(plan, division, out, tell, quiet)
        setting = Setting(
            images=len(division.train_rows),
            fingerprint=division.train.fingerprint,
            classes=len(division.train.classes),
            backbone=backbone,
            side=image_size,
            probe_epochs=probe_epochs,
        )
        found = standing(out, rows, failed, setting, _blind(division), dataclasses.asdict(plan))
        found.write()
    return found


def landed() -> list[str]:
    """Methods of the table that there are, in its order."""
    known = registry.names()
    return [row.method for row in ROWS if row.method in known]


def _check(plan: Plan) -> None:
    if plan.seeds < 1 or plan.probe_epochs < 1:
        raise UsageError(
            f"{plan.seeds} seeds, {plan.probe_epochs} epochs of the linear classifiers; both must "
            "be 1 or more."
        )
    catalog.check(plan.backbone)
    for method in plan.methods:
        if method != NONE and not _is_run(method):
            registry.entry(method)  # says which names there are
    for part in (_TRAIN, _VAL):
        if not (Path(plan.data) / part).is_dir():
            raise DataError(
                f"{plan.data} has no folder {part}. The table needs class folders in "
                f"{_TRAIN}/CLASS/NAME.jpg to learn from and in {_VAL}/CLASS/NAME.jpg to measure on."
            )


def _is_run(method: str) -> bool:
    """Whether it is a run's folder; a method's name is one whatever folders there are."""
    return method not in (NONE, *registry.names()) and RunFolder(method).exists


def _division(plan: Plan, tell: Callable[[str], None], quiet: bool) -> Division:
    settings = dataclasses.replace(Settings(), quiet=quiet)
    side = automatic.cache_side(plan.image_size).number
    odd: list[str] = []
    train, val = (
        open_labels(str(Path(plan.data) / part), settings, side, odd) for part in (_TRAIN, _VAL)
    )
    for line in odd:
        tell(f"note: {line}")
    return divide(train, val, 0.0, 0)


def _blind(division: Division) -> float:
    """Accuracy of the commonest class of train."""
    commonest = torch.bincount(division.train_labels).argmax()
    return float((division.test_labels == commonest).double().mean())


def _measured(
    plan: Plan, division: Division, out: Path, tell: Callable[[str], None], quiet: bool
) -> tuple[list[Row], dict[str, str]]:
    """Rows, whole repetitions first; and of methods without one, why."""
    rows: list[Row] = []
    failed: dict[str, str] = {}
    for seed in range(plan.seeds):
        for method in plan.methods:
            if method in failed or (seed and _is_run(method)):
                continue
            try:
                rows.append(_row(plan, division, out, method, seed, tell, quiet))
            except Diverged as error:
                tell(f"note: {method}: {error}")
                failed[method] = "diverged"
    return [row for row in rows if row.cell.arm.method not in failed], failed


def _row(
    plan: Plan,
    division: Division,
    out: Path,
    method: str,
    seed: int,
    tell: Callable[[str], None],
    quiet: bool,
) -> Row:
    """The row of a method and a repetition: read, or measured and written."""
    run = _pretrained(plan, out, method, seed, tell, quiet)
    name = plan.backbone if run is None else origin_of(run.path).backbone
    cell = Cell(Arm(method, name), "frozen", len(division.train_rows), seed)
    protocol = {
        "recipe": dataclasses.asdict(SgdPlan(epochs=plan.probe_epochs)),
        "train": division.train.fingerprint,
        "val": division.test.fingerprint,
        "size": plan.image_size,
        "weights": "drawn" if run is None else weights_of(run),
        "presight": version_of("presight"),
    }
    path = out / "rows" / f"{key(cell, protocol)}.json"
    if path.is_file():
        try:
            return read_row(path)
        except IntegrityError as error:
            tell(f"note: {error}")
    tell(f"measuring {cell.arm}, seed {seed}: linear classifiers of {plan.probe_epochs} epochs")
    if run is None:
        drawn = Origin(name, "auto", plan.image_size, "", {}, {}, seed, ordinary=True)
        network, about = untrained_backbone(drawn), {}
    else:
        network, about = load_backbone(run.path), pretraining(run)
    row = linear_row(
        cell, network, division, about, size=plan.image_size, epochs=plan.probe_epochs,
        device=pick_device(plan.device), quiet=quiet,
    )  # fmt: skip
    write_row(path, row)
    return row


def _pretrained(
    plan: Plan, out: Path, method: str, seed: int, tell: Callable[[str], None], quiet: bool
) -> RunFolder | None:
    """The finished run of a method and a repetition; None of the untrained network."""
    if method == NONE:
        return None
    if _is_run(method):
        return RunFolder(method)
    plain = "".join(c if c.isalnum() or c in ".-" else "-" for c in plan.backbone)
    run = RunFolder(out / "runs" / f"{method}-{plain}-seed{seed}")
    if run.exists and run.status == "done":
        return run
    tell(f"pretraining without labels: {method} on {plan.backbone}, seed {seed}")
    length = {"minutes": plan.minutes} if plan.minutes else {}
    length |= {"epochs": plan.epochs} if plan.epochs else {}
    parts = split_options(
        method=method,
        backbone=plan.backbone,
        out=str(run),
        image_size=plan.image_size,
        device=plan.device,
        seed=seed,
        quiet=quiet,
        **length,
    )
    train = str(Path(plan.data) / _TRAIN)
    pretrain(train, settings=parts.settings, plan=parts.plan, options=parts.options)
    return run
