"""run_study(): pretrain what is missing, measure every cell that is missing, and answer."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from presight.errors import IntegrityError
from presight.evaluation.tasks.sets import task_named
from presight.pretraining.telling import counted, say
from presight.store import atomic
from presight.store.lock import Lock
from presight.studies.answer import Answer, answer
from presight.studies.cells import Cell, Row
from presight.studies.claims import claims, write_claims
from presight.studies.desk import Desk
from presight.studies.plan import Plan, check
from presight.studies.rows import read_row, write_table

LAYOUT = 2

Tell = Callable[[str], None]


@dataclasses.dataclass(frozen=True)
class Studied:
    """What a study found.

    Args:
        folder: of the study.
        rows: all cells.
        answers: in words and numbers, by world and task; the first is the study's own.
    """

    folder: Path
    rows: Sequence[Row]
    answers: Sequence[Answer]

    @property
    def answer(self) -> Answer:
        """The first of the answers."""
        return self.answers[0]

    @property
    def summary(self) -> dict[str, Any]:
        """The answers and where the table is."""
        told = {one.title: one.sentence for one in self.answers}
        return {
            "folder": str(self.folder),
            "answer": self.answer.sentence,
            "answers": told,
            "cells": len(self.rows),
        }

    def lines(self) -> list[str]:
        """Tables by number of labels, and the answers."""
        several = len(self.answers) > 1
        found = []
        for one in self.answers:
            found += [*([one.title] if several else []), *one.table(), one.sentence]
        return [*found, f"table     {self.folder}/results.csv"]


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
    check(plan)
    atomic.make_folder(out / "cells")
    with Lock(out).acquire():
        atomic.sweep(out)
        tell: Tell = (lambda line: None) if quiet else say
        desk = Desk(plan, out, quiet=quiet)
        try:
            rows = _measured(desk, tell)
        finally:
            desk.close()
        write_table(out / "results.csv", rows)
        answers = answered(rows)
        told = {
            "layout": LAYOUT,
            "plan": dataclasses.asdict(plan),
            "answers": [one.record() for one in answers],
            "claims": write_claims(out / "claims.csv", claims(rows)),
        }
        atomic.write_json(out / "study.json", told)
    return Studied(out, rows, answers)


def answered(rows: Sequence[Row]) -> list[Answer]:
    """An answer for each task on each world.

    Args:
        rows: of a study.
    """
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.cell.measured_on, row.cell.task), []).append(row)
    return [answer(some, task_named(task).metrics[0].name) for (_, task), some in groups.items()]


def _measured(desk: Desk, tell: Tell) -> list[Row]:
    """Rows of all cells; those that are there already are read, the others measured and written."""
    cells = desk.cells()
    for line in desk.notes:
        tell(f"note: {line}")
    rows: dict[Cell, Row] = {}
    for cell in cells:
        place = desk.place(cell)
        if place.is_file():
            try:
                rows[cell] = read_row(place)
            except IntegrityError as error:
                tell(f"note: {error}")
    missing = [cell for cell in cells if cell not in rows]
    if missing:
        tell(f"measuring {len(missing)} of {len(cells)} cells; the others are there already")
    began, progress = time.monotonic(), counted("cells", desk.quiet)
    for number, cell in enumerate(missing, 1):
        if not desk.arms.is_there(cell.arm, cell.seed):
            tell(f"pretraining without labels: {cell.arm}, seed {cell.seed}")
            desk.arms.pretrain(cell.arm, cell.seed, quiet=desk.quiet)
        rows[cell] = desk.measure(cell)
        if progress is not None:
            progress(number, len(missing))
    if missing:
        tell(f"measured in {(time.monotonic() - began) / 60:.1f} minutes")
    return [rows[cell] for cell in cells]
