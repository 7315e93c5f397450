"""A network that learned some of a division's labels, and what it answers to the test part."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from presight.core.backbone import Backbone
from presight.evaluation.features import Progress
from presight.evaluation.finetune import StepBudget, Trained, finetune, judged
from presight.evaluation.tasks.sets import TaskDivision
from presight.evaluation.tasks.task import Judged
from presight.training.runtime import Runtime

TUNING_SHARE = 0.2
"""Of the labels, that judges learning rates."""


def learned(
    division: TaskDivision,
    backbone: Backbone,
    rows: Tensor,
    *,
    size: int,
    frozen: bool,
    budget: StepBudget,
    seed: int,
    runtime: Runtime,
    progress: Progress | None = None,
) -> tuple[Trained, Judged]:
    """Learn from some rows, then answer the test part, once.

    Args:
        division: images to learn from and to measure on.
        backbone: a copy of it learns.
        rows: int64 [n], of the training part.
        size: side of a view, pixels.
        frozen: only the head learns.
        budget: of learning.
        seed: of the rows that judge learning rates, of the head and of all draws.
        runtime: device and precision.
        progress: told updates done and in all.
    """
    trained = finetune(
        division.train.task,
        backbone,
        division.train.images,
        rows,
        size=size,
        frozen=frozen,
        budget=budget,
        held_out=division.train.held_out(rows, TUNING_SHARE, seed, "tuning"),
        seed=seed,
        runtime=runtime,
        progress=progress,
    )
    found = judged(
        division.test.task, trained.model, division.test.images, division.test_rows,
        size=size, device=runtime.device,
    )  # fmt: skip
    return trained, found


def history(trained: Trained) -> dict[str, Any]:
    """How a network learned, plain JSON."""
    return {
        "rate": trained.rate,
        "trials": {str(rate): score for rate, score in trained.trials.items()},
        "updates": trained.updates,
        "trace": {"updates": list(trained.trace), "scores": list(trained.trace.values())},
    }
