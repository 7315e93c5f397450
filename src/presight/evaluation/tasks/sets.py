"""Labelled sets of any task, the part that is measured on, and subsets of labels."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from presight.core import registry
from presight.data.canvas import Images
from presight.data.labels.problems import summary
from presight.data.scenes import Scenes
from presight.data.scenes.tasks import SceneTask
from presight.data.source import Labelled
from presight.errors import DataError, UsageError
from presight.evaluation.split import identity_keys, stratified_order, stratified_split
from presight.evaluation.tasks.classification import Classification
from presight.evaluation.tasks.depth import Depth
from presight.evaluation.tasks.detection import Detection
from presight.evaluation.tasks.keypoints import Keypoints
from presight.evaluation.tasks.multilabel import Multilabel
from presight.evaluation.tasks.pose import FivePoses, Pose
from presight.evaluation.tasks.segmentation import Segmentation
from presight.evaluation.tasks.task import Task

TASKS: Mapping[str, type[Task]] = {
    kind.name: kind
    for kind in (
        Classification, Multilabel, Detection, Segmentation, Depth, Keypoints, Pose, FivePoses,
    )
}  # fmt: skip
"""By name."""


def task_named(name: str) -> type[Task]:
    """The task of a name.

    Raises:
        UsageError: there is none.
    """
    if name not in TASKS:
        raise UsageError(registry.unknown("task", name, TASKS, "presight study --help"))
    return TASKS[name]


@dataclasses.dataclass(frozen=True, eq=False)
class TaskSet:
    """Images labelled for a task.

    Args:
        task: holds the targets.
        images: the data layer's.
        strata: int64 [N], what subsets and hold-outs keep in proportion.
        fingerprint: of images and labels.
        identities: a name of each image, stable across machines.
        problems: lines on labels that are not used as they stand.
    """

    task: Task
    images: Images
    strata: Tensor
    fingerprint: str
    identities: tuple[str, ...]
    problems: tuple[str, ...] = ()

    @staticmethod
    def of(
        name: str,
        source: Labelled[Any],
        images: Images,
        *,
        size: int = 0,
        learned: TaskSet | None = None,
    ) -> TaskSet:
        """The set of a labelled source.

        Args:
            name: of the task, one of `TASKS`.
            source: labelled for it.
            images: the source's.
            size: side of a view, pixels; 0 leaves it to the task.
            learned: the set to learn from, where this one is for the test: its classes are those
                that are answered.

        Raises:
            DataError: labels that cannot be used, or classes that were not learned.
            UsageError: a task that is not known.
        """
        names = None if learned is None else learned.task.names
        task = task_named(name).of(source, images, names=names, size=size)
        problems = summary(getattr(task, "problems", ()))
        identities = tuple(source.identity(i) for i in range(len(source)))
        return TaskSet(task, images, task.strata, _digest(source), identities, tuple(problems))

    def keys(self, rows: Tensor) -> Tensor:
        """int64 [n], what subsets and hold-outs of some rows are drawn by."""
        return identity_keys(self.identities[row] for row in rows.tolist())

    def held_out(self, rows: Tensor, share: float, seed: int, stream: str) -> Tensor:
        """Which of some rows judge choices, bool [n]: a share by stratum, if there are so many.

        Args:
            rows: int64 [n].
            share: of them, in (0, 1).
            seed: another seed holds out others.
            stream: another name is an independent choice.
        """
        _, held = stratified_split(self.strata[rows], share, seed, stream, self.keys(rows))
        chosen = torch.zeros(len(rows), dtype=torch.bool)
        chosen[held] = True
        return chosen


@dataclasses.dataclass(frozen=True, eq=False)
class TaskDivision:
    """What is learned from and what is measured on, each as a set and the rows that count.

    Args:
        train: to learn from.
        test: to measure on; the same set where a part of it is held out.
        train_rows: int64 [n].
        test_rows: int64 [m].
        kind: how they were divided.
    """

    train: TaskSet
    test: TaskSet
    train_rows: Tensor
    test_rows: Tensor
    kind: str

    def subset(self, n: int, seed: int) -> Tensor:
        """int64 [n], rows of train to learn from: nested in n, strata in proportion, by seed."""
        rows = self.train_rows
        order = stratified_order(self.train.strata[rows], seed, "labels", self.train.keys(rows))
        return rows[order[:n].sort().values]

    @property
    def classes(self) -> int:
        """Strata to learn from."""
        return len(torch.unique(self.train.strata[self.train_rows]))


def divide_task(train: TaskSet, test: TaskSet | None, share: float, seed: int) -> TaskDivision:
    """Train and test as given, or a stratified part of train held out.

    Args:
        train: to learn from.
        test: to measure on, or None.
        share: of train to hold out where there is no test, in (0, 1).
        seed: of the hold-out.

    Raises:
        DataError: nothing to measure on.
    """
    rows = torch.arange(len(train.images))
    if test is not None:
        return TaskDivision(train, test, rows, torch.arange(len(test.images)), "given")
    held = train.held_out(rows, share, seed, "test")
    if not bool(held.any()):
        raise DataError(
            f"none of {len(rows)} labelled images can be held out for the test without emptying a "
            "class. Label more images, or give a test set."
        )
    return TaskDivision(train, train, rows[~held], rows[held], "held out of train")


def _digest(source: Labelled[Any]) -> str:
    """Of images and labels: the images' own fingerprint says nothing of a corrected label."""
    told = hashlib.blake2b(source.fingerprint.encode(), digest_size=16)
    told.update("\0".join(source.classes).encode("utf-8", "surrogateescape"))
    if isinstance(source, Scenes | SceneTask):
        return told.hexdigest()  # the same scenes have the same labels
    for row in range(len(source)):
        target = source.target(row)
        for field in dataclasses.fields(target):
            value = getattr(target, field.name)
            told.update(value.tobytes() if isinstance(value, np.ndarray) else repr(value).encode())
    return told.hexdigest()
