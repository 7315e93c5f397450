"""What a study's file says beside its answers: stages, fine-tuned less frozen, and the cost."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from presight.errors import UsageError
from presight.evaluation.replicates import Floats, middle, replicates
from presight.store.folder import RunFolder
from presight.store.plain import read_table
from presight.studies.answer import Answer
from presight.studies.cells import Arm, Mode, Row
from presight.studies.curves import by_task, curves_of
from presight.studies.rows import unpacked

FolderOf = Callable[[Arm, int], Path]


def told(rows: Sequence[Row], answers: Sequence[Answer], folder: FolderOf) -> dict[str, Any]:
    """What a study's file says of its rows; plain JSON.

    Args:
        rows: of a study.
        answers: from them.
        folder: where an arm's repetition was pretrained; those that tell no time are left out.

    Returns:
        answers: their records, with `stages`: of each arm with more than one, labels used, their
        numbers, 0 the whole backbone, and mean with 95 % interval of each; and `modes`: of each arm
        with both, what fine-tuning has over freezing by number of labels. cost: seconds of
        pretraining by arm and repetition, and of all cells together.
    """
    groups = by_task(rows)
    return {
        "answers": [
            {
                **one.record(),
                "stages": _stages(groups[one.measured_on, one.task], one.metric),
                "modes": _modes(groups[one.measured_on, one.task], one.metric),
            }
            for one in answers
        ],
        "cost": _cost(rows, folder),
    }


def _cost(rows: Sequence[Row], folder: FolderOf) -> dict[str, Any]:
    found: dict[Arm, list[float]] = {}
    for arm, seed in dict.fromkeys((row.cell.arm, row.cell.seed) for row in rows):
        seconds = _seconds(folder(arm, seed))
        if seconds is not None:
            found.setdefault(arm, []).append(seconds)
    pretraining = [
        {"arm": dataclasses.asdict(arm), "seconds": seconds} for arm, seconds in found.items()
    ]
    return {"pretraining": pretraining, "measuring": round(sum(row.seconds for row in rows), 1)}


def _seconds(folder: Path) -> float | None:
    try:
        return float(read_table(RunFolder(folder).run_file)["seconds"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _stages(rows: Sequence[Row], metric: str) -> list[dict[str, Any]]:
    """The whole backbone is measured with the same labels as its stages."""
    frozen = [row for row in rows if row.cell.mode == "frozen"]
    found = []
    for arm, n in dict.fromkeys((r.cell.arm, r.cell.n_labels) for r in frozen if r.cell.stage):
        held = {
            (row.cell.stage, row.cell.seed): row
            for row in frozen
            if (row.cell.arm, row.cell.n_labels) == (arm, n)
        }
        stages = sorted({stage for stage, _ in held}, key=lambda stage: stage or len(held) + 1)
        seeds = [seed for seed in sorted({seed for _, seed in held})
                 if all((stage, seed) in held for stage in stages)]  # fmt: skip
        if not seeds:
            continue
        parts = np.array([
            [unpacked((row := held[stage, seed]).influences[metric], row.n_test)
             for stage in stages]
            for seed in seeds
        ])  # fmt: skip
        scores = _intervals(parts.mean((0, 2), dtype=np.float64), replicates(parts))
        found.append({"arm": dataclasses.asdict(arm), "n_labels": n, "stages": stages,
                      "scores": scores})  # fmt: skip
    return found


def _modes(rows: Sequence[Row], metric: str) -> list[dict[str, Any]]:
    try:
        made = curves_of(rows, metric)
    except UsageError:
        return []
    size = len(made.labels)
    at = {curve: slice(k * size, (k + 1) * size) for k, curve in enumerate(made.curves)}
    found = []
    for arm in dict.fromkeys(arm for arm, _ in made.curves):
        both: list[tuple[Arm, Mode]] = [(arm, "frozen"), (arm, "finetune")]
        if not all(curve in at for curve in both):
            continue
        frozen, tuned = (made.parts[:, at[curve]] for curve in both)
        apart: NDArray[np.float32] = tuned - frozen
        gaps = _intervals(apart.mean((0, 2), dtype=np.float64), replicates(apart))
        found.append({"arm": dataclasses.asdict(arm), "labels": list(made.labels), "gaps": gaps})
    return found


def _intervals(means: Floats, drawn: Floats) -> list[list[float]]:
    return [[float(mean), *middle(drawn[:, k])] for k, mean in enumerate(means)]
