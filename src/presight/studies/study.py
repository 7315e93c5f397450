"""run_study(): pretrain what is missing, measure every cell that is missing, and answer."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from presight.errors import PresightError
from presight.pretraining.telling import say
from presight.store import atomic
from presight.store.lock import Lock
from presight.studies import pictures
from presight.studies.beside import beside
from presight.studies.conclude import Studied, conclude
from presight.studies.desk import Desk
from presight.studies.missing import Missing
from presight.studies.over_ray import require_ray
from presight.studies.parquet import write_parquet
from presight.studies.plan import Plan, check

Executor = Literal["local", "ray"]
Tell = Callable[[str], None]


def run_study(
    plan: Plan,
    out: Path,
    *,
    executor: Executor = "local",
    budget: float = 0.0,
    quiet: bool = False,
) -> Studied:
    """Do what is missing of a study, and answer.

    Killed at any point, the same call goes on: finished pretrainings and cells are kept.

    Args:
        plan: what is asked.
        out: the study's folder.
        executor: local does one thing after the other in this process, ray one a worker.
        budget: seconds, for which something is left out where not all fits; 0 is no budget.
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
            failures = work.do(executor, budget)
            more: dict[str, Any] = {"budget": work.record(budget)}
            if work.in_time:
                more |= beside(desk.arms, desk.bench, work.whole(), tell=tell)
                more["pictures"] = pictures.write(desk, work.whole(), tell)
        finally:
            desk.close()
        asked = dataclasses.asdict(plan)
        write_parquet(out, work.found(), desk.images)
        found = conclude(out, asked, work.found(), work.whole(), desk.arms.folder, more)
    if failures:
        raise PresightError(
            f"{len(failures)} of the study's groups failed twice; the others are in {out}, and the "
            f"same command tries again. {failures[0]}"
        )
    return found
