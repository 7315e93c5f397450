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
from presight.core.settings import Settings
from presight.errors import DataError, Diverged, IntegrityError, Unavailable, UsageError
from presight.evaluation.labelled import Division, divide
from presight.evaluation.sgd_linear import SgdPlan
from presight.nn import catalog
from presight.pretraining.data import open_labels
from presight.pretraining.telling import say
from presight.restore import origin_of
from presight.store import atomic
from presight.store.environment import version_of
from presight.store.folder import RunFolder
from presight.store.lock import Lock
from presight.studies.arms import Arms
from presight.studies.cells import IMAGENET, NONE, Arm, Cell, Row, key
from presight.studies.linear_row import linear_row, pretraining
from presight.studies.plan import Plan, World, is_run
from presight.studies.published import BACKBONE, PROBE_EPOCHS, ROWS, SIDE, Setting
from presight.studies.rows import read_row, write_row
from presight.studies.standing import Table1, standing
from presight.training.runtime import pick_device

_TRAIN, _VAL = "train", "val"
"""Folders of the data: to pretrain on and learn from, and to measure on."""


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
        seeds: repetitions, each with a pretraining of its own; weights that are there already are
            measured once.
        methods: names, `none` for the untrained network, `imagenet` for torchvision's weights, or
            paths of finished runs; empty takes all of the table's that are here.
        device: auto, cpu, cuda, mps or xpu.
        quiet: without progress.

    Raises:
        DataError: no train or val, or classes that do not fit. UsageError: an option out of range.
    """
    asked = tuple(dict.fromkeys(methods)) or (NONE, IMAGENET, *landed())
    world = World("", str(Path(data) / _TRAIN), "")
    plan = Plan(
        worlds=(world,), methods=asked, backbones=(backbone,), seeds=seeds, minutes=minutes,
        epochs=epochs, image_size=image_size, device=device,
    )  # fmt: skip
    _check(Path(data), plan, probe_epochs)
    told = {
        "data": data, "methods": list(asked), "backbone": backbone, "image_size": image_size,
        "epochs": epochs, "minutes": minutes, "probe_epochs": probe_epochs, "seeds": seeds,
    }  # fmt: skip
    tell: Callable[[str], None] = (lambda line: None) if quiet else say
    atomic.make_folder(out / "rows")
    with Lock(out).acquire():
        atomic.sweep(out)
        desk = _Desk(Arms(plan, out), _division(Path(data), plan, tell, quiet), probe_epochs, tell,
                     quiet)  # fmt: skip
        failed = _without_weights(desk.arms, backbone, asked=bool(methods))
        rows = desk.rows(failed)
        found = standing(out, rows, failed, desk.setting, desk.blind, told)
        found.write()
    return found


def landed() -> list[str]:
    """Methods of the table that there are, in its order."""
    known = registry.names()
    return [row.method for row in ROWS if row.method in known]


def _check(data: Path, plan: Plan, probe_epochs: int) -> None:
    if plan.seeds < 1 or probe_epochs < 1:
        raise UsageError(
            f"{plan.seeds} seeds, {probe_epochs} epochs of the linear classifiers; both must be 1 "
            "or more."
        )
    catalog.check(plan.backbones[0])
    for method in plan.methods:
        is_run(method)  # says which names there are
    for part in (_TRAIN, _VAL):
        if not (data / part).is_dir():
            raise DataError(
                f"{data} has no folder {part}. The table needs class folders in "
                f"{_TRAIN}/CLASS/NAME.jpg to learn from and in {_VAL}/CLASS/NAME.jpg to measure on."
            )


def _without_weights(arms: Arms, backbone: str, *, asked: bool) -> dict[str, str]:
    """Why torchvision's weights are not measured, by their method's name.

    Raises:
        Unavailable, UsageError: they were asked for by name.
    """
    if IMAGENET not in arms.plan.methods:
        return {}
    try:
        arms.network(Arm(IMAGENET, backbone), 0)
    except (Unavailable, UsageError):
        if asked:
            raise
        return {IMAGENET: f"no weights of {backbone} on disk"}
    return {}


def _division(data: Path, plan: Plan, tell: Callable[[str], None], quiet: bool) -> Division:
    settings = dataclasses.replace(Settings(), quiet=quiet)
    side = automatic.cache_side(plan.image_size).number
    odd: list[str] = []
    train, val = (open_labels(str(data / part), settings, side, odd) for part in (_TRAIN, _VAL))
    for line in odd:
        tell(f"note: {line}")
    return divide(train, val, 0.0, 0)


@dataclasses.dataclass(frozen=True)
class _Desk:
    """Where rows are measured."""

    arms: Arms
    division: Division
    probe_epochs: int
    tell: Callable[[str], None]
    quiet: bool

    @property
    def setting(self) -> Setting:
        """What all rows have in common."""
        train = self.division.train
        return Setting(
            images=len(self.division.train_rows),
            fingerprint=train.fingerprint,
            classes=len(train.classes),
            backbone=self.arms.plan.backbones[0],
            side=self.arms.plan.image_size,
            probe_epochs=self.probe_epochs,
        )

    @property
    def blind(self) -> float:
        """Accuracy of the commonest class of train."""
        commonest = torch.bincount(self.division.train_labels).argmax()
        return float((self.division.test_labels == commonest).double().mean())

    def rows(self, failed: dict[str, str]) -> list[Row]:
        """Rows, whole repetitions first; `failed` gets the methods without one, and why."""
        rows: list[Row] = []
        for seed in range(self.arms.plan.seeds):
            for method in self.arms.plan.methods:
                if method in failed or (seed and (method == IMAGENET or is_run(method))):
                    continue
                try:
                    rows.append(self._row(method, seed))
                except Diverged as error:
                    self.tell(f"note: {method}: {error}")
                    failed[method] = "diverged"
        return [row for row in rows if row.cell.arm.method not in failed]

    def _row(self, method: str, seed: int) -> Row:
        """The row of a method and a repetition: read, or measured and written."""
        plan = self.arms.plan
        name = origin_of(Path(method)).backbone if is_run(method) else plan.backbones[0]
        arm = Arm(method, name)
        cell = Cell(arm, "frozen", len(self.division.train_rows), seed)
        protocol = {
            "recipe": dataclasses.asdict(SgdPlan(epochs=self.probe_epochs)),
            "train": self.division.train.fingerprint,
            "val": self.division.test.fingerprint,
            "size": plan.image_size,
            "weights": self.arms.asked(arm, seed),
            "presight": version_of("presight"),
        }
        path = self.arms.out / "rows" / f"{key(cell, protocol)}.json"
        if path.is_file():
            try:
                return read_row(path)
            except IntegrityError as error:
                self.tell(f"note: {error}")
        if not self.arms.is_there(arm, seed):
            self.tell(f"pretraining without labels: {arm}, seed {seed}")
            self.arms.pretrain(arm, seed, quiet=self.quiet)
        self.tell(f"measuring {arm}, seed {seed}: {self.probe_epochs} epochs of linear classifiers")
        learned = method not in (NONE, IMAGENET)
        row = linear_row(
            cell, self.arms.network(arm, seed), self.division,
            pretraining(RunFolder(self.arms.folder(arm, seed))) if learned else {},
            size=plan.image_size, epochs=self.probe_epochs, device=pick_device(plan.device),
            quiet=self.quiet,
        )  # fmt: skip
        write_row(path, row)
        return row
