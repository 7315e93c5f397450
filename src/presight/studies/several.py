"""run_several(): a study in parts, each a study of its own, and one conclusion of all rows."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from presight.store.plain import read_table
from presight.studies.arms import Arms
from presight.studies.cells import Arm
from presight.studies.conclude import Studied, conclude
from presight.studies.plan import Plan
from presight.studies.study import run_study


def run_several(
    plans: Mapping[str, Plan], out: Path, *, budget: float = 0.0, **options: Any
) -> Studied:
    """Do what is missing of every part, and answer for all of them together.

    Args:
        plans: by the name of the part's folder; no two measure the same world.
        out: folder of all parts.
        budget: seconds; a part may take an even share of what those before it left. 0 is none.
        options: of `run_study`.
    """
    until, parts = time.time() + budget, dict[str, Studied]()
    for number, (name, plan) in enumerate(plans.items()):
        # A second at least: none left is no budget of none.
        share = max(1.0, (until - time.time()) / (len(plans) - number)) if budget else 0.0
        parts[name] = run_study(plan, out / name, budget=share, **options)
    rows = [row for part in parts.values() for row in part.rows]
    whole = [row for part in parts.values() for row in part.whole]
    arms = [Arms(plan, out / name) for name, plan in plans.items()]

    def folder(arm: Arm, seed: int) -> Path:
        found = [one.folder(arm, seed) for one in arms]
        return next((place for place in found if place.is_dir()), found[0])

    return conclude(
        out, _asked(plans), rows, whole, folder, _beside([out / name for name in plans])
    )


def _beside(files: Sequence[Path]) -> dict[str, Any]:
    """Which figures to trust and what choosing labels gains, of the first part that tells it."""
    found: dict[str, Any] = {}
    for told in (read_table(file) for file in reversed(files) if file.is_file()):
        found |= {name: told[name] for name in ("diagnostics", "selection") if name in told}
    return found


def _asked(plans: Mapping[str, Plan]) -> dict[str, Any]:
    """What all parts ask, with the worlds and tasks of every one."""
    told = [dataclasses.asdict(plan) for plan in plans.values()]
    return {
        **told[0],
        "worlds": [world for one in told for world in one["worlds"]],
        "tasks": list(dict.fromkeys(task for one in told for task in one["tasks"])),
    }
