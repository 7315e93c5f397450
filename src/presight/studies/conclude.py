"""What a study leaves behind once it has measured: its table, its answers and their record."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from presight.errors import UsageError
from presight.evaluation.tasks.sets import task_named
from presight.store import atomic
from presight.studies import record
from presight.studies.answer import Answer, answer
from presight.studies.cells import Row
from presight.studies.claims import claims, write_claims
from presight.studies.curves import by_task
from presight.studies.record import FolderOf
from presight.studies.rows import write_table

LAYOUT = 2
UNANSWERED = "No repetition of the study is whole yet; the same command goes on with it."


@dataclasses.dataclass(frozen=True)
class Studied:
    """What a study found.

    Args:
        folder: of the study.
        rows: all cells.
        answers: in words and numbers, by world and task; the first is the study's own. Empty
            where no repetition is whole yet.
        whole: cells of whole repetitions, which answers are of.
    """

    folder: Path
    rows: Sequence[Row]
    answers: Sequence[Answer]
    whole: Sequence[Row] = ()

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


def conclude(
    out: Path,
    plan: Mapping[str, Any],
    rows: Sequence[Row],
    whole: Sequence[Row],
    folder: FolderOf,
    beside: Mapping[str, Any],
) -> Studied:
    """Write results.csv, claims.csv and study.json.

    Args:
        out: the study's folder.
        plan: what was asked, plain JSON.
        rows: all that are there; claims take of them what is complete for each.
        whole: those of repetitions that are whole; answers are of these.
        folder: where an arm's repetition was pretrained.
        beside: more records for study.json, by name.
    """
    write_table(out / "results.csv", rows)
    answers = answered(whole)
    told = {
        "layout": LAYOUT,
        "plan": plan,
        **record.told(whole, answers, folder),
        "claims": write_claims(out / "claims.csv", claims(rows)),
        **beside,
    }
    atomic.write_json(out / "study.json", told)
    return Studied(out, rows, answers, whole)


def answered(rows: Sequence[Row]) -> list[Answer]:
    """An answer for each task on each world.

    Args:
        rows: of a study.
    """
    return [
        answer(some, task_named(task).metrics[0].name) for (_, task), some in by_task(rows).items()
    ]
