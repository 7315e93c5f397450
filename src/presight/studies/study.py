"""run_study(): pretrain what is missing, measure every cell that is missing, and answer."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from presight.errors import PresightError, UsageError
from presight.evaluation.tasks.sets import task_named
from presight.pretraining.telling import say
from presight.store import atomic
from presight.store.lock import Lock
from presight.studies import record
from presight.studies.answer import Answer, answer
from presight.studies.cells import Row
from presight.studies.claims import claims, write_claims
from presight.studies.curves import by_task
from presight.studies.desk import Desk
from presight.studies.missing import Missing
from presight.studies.over_ray import require_ray
from presight.studies.plan import Plan, check
from presight.studies.rows import write_table

LAYOUT = 2
UNANSWERED = "No repetition of the study is whole yet; the same command goes on with it."

Executor = Literal["local", "ray"]
Tell = Callable[[str], None]


@dataclasses.dataclass(frozen=True)
class Studied:
    """What a study found.

    Args:
        folder: of the study.
        rows: all cells.
        answers: in words and numbers, by world and task; the first is the study's own. Empty
            where no repetition is whole yet.
    """

    folder: Path
    rows: Sequence[Row]
    answers: Sequence[Answer]

    @property
    def answer(self) -> Answer:
        """The first of the answers.

        Raises:
            UsageError: no repetition is whole yet.
        """
        if not self.answers:
            raise UsageError(UNANSWERED)
        return self.answers[0]

    @property
    def summary(self) -> dict[str, Any]:
        """The answers and where the table is."""
        told = {one.title: one.sentence for one in self.answers}
        return {
            "folder": str(self.folder),
            "answer": self.answer.sentence if self.answers else "",
            "answers": told,
            "cells": len(self.rows),
        }

    def lines(self) -> list[str]:
        """Tables by number of labels, and the answers."""
        several = len(self.answers) > 1
        found = []
        for one in self.answers:
            found += [*([one.title] if several else []), *one.table(), one.sentence]
        if not found:
            found.append(UNANSWERED)
        return [*found, f"table     {self.folder}/results.csv"]


def run_study(
    plan: Plan, out: Path, *, executor: Executor = "local", quiet: bool = False
) -> Studied:
    """Do what is missing of a study, and answer.

    Killed at any point, the same call goes on: finished pretrainings and cells are kept.

    Args:
        plan: what is asked.
        out: the study's folder.
        executor: local does one thing after the other in this process, ray one a worker.
        quiet: without progress.

    Raises:
        UsageError: a plan that asks nothing. DataError: labels that cannot be used. Unavailable:
        Ray is not installed. PresightError: what a worker failed at twice.
    """
    check(plan)
    if executor == "ray":
        require_ray()
    atomic.make_folder(out / "cells")
    with Lock(out).acquire():
        atomic.sweep(out)
        tell: Tell = (lambda line: None) if quiet else say
        desk = Desk(plan, out, quiet=quiet)
        try:
            work = Missing(desk, tell)
            failures = work.do(executor)
        finally:
            desk.close()
        write_table(out / "results.csv", work.found())
        answers = answered(work.whole())
        told = {
            "layout": LAYOUT,
            "plan": dataclasses.asdict(plan),
            **record.told(work.whole(), answers, desk.arms.folder),
            "claims": write_claims(out / "claims.csv", claims(work.whole())),
        }
        atomic.write_json(out / "study.json", told)
    if failures:
        raise PresightError(
            f"{len(failures)} of the study's groups failed twice; the others are in {out}, and the "
            f"same command tries again. {failures[0]}"
        )
    return Studied(out, work.found(), answers)


def answered(rows: Sequence[Row]) -> list[Answer]:
    """An answer for each task on each world.

    Args:
        rows: of a study.
    """
    return [
        answer(some, task_named(task).metrics[0].name) for (_, task), some in by_task(rows).items()
    ]
