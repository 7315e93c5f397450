from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch

from presight.data.canvas import images_of
from presight.data.labels import open_task
from presight.errors import DataError, UsageError
from presight.evaluation.tasks.sets import TASKS, TaskSet, divide_task

SPEC = "scenes:48?size=16&factors=CV&objects=2"


def made(task: str, spec: str = SPEC, **options: Any) -> TaskSet:
    source: Any = open_task(spec, task=TASKS[task].reads)
    return TaskSet.of(task, source, images_of(source, side=16, cache_dir=None), size=16, **options)


@pytest.mark.parametrize("task", TASKS)
def test_every_task_is_divided_and_its_subsets_are_nested_and_in_proportion(task: str) -> None:
    whole = made(task)
    split = divide_task(whole, None, 0.25, 0)
    assert not set(split.train_rows.tolist()) & set(split.test_rows.tolist())
    assert len(split.train_rows) + len(split.test_rows) == 48
    strata = whole.strata[split.train_rows]
    for seed in (0, 1):
        before: set[int] = set()
        for n in range(1, len(strata) + 1):
            rows = split.subset(n, seed)
            assert before < set(rows.tolist()) <= set(split.train_rows.tolist())
            before = set(rows.tolist())
            for stratum in strata.unique():
                part = float((strata == stratum).sum()) / len(strata)
                most = 1 + part * len(strata.unique()) / 2
                assert abs(float((whole.strata[rows] == stratum).sum()) - n * part) < most
    assert split.subset(9, 0).tolist() != split.subset(9, 1).tolist()


def test_choices_are_judged_by_some_of_the_labels_and_never_by_a_whole_class() -> None:
    whole = made("classification")
    rows = torch.arange(20, 40)
    judges = whole.held_out(rows, 0.2, 3, "tuning")
    assert 0 < int(judges.sum()) <= 4
    assert set(whole.strata[rows[~judges]].tolist()) == set(whole.strata[rows].tolist())


def test_a_corrected_label_is_another_set() -> None:
    first = made("segmentation")
    assert first.fingerprint == made("segmentation").fingerprint
    assert first.fingerprint != made("classification").fingerprint

    source: Any = open_task(SPEC, task="pose")

    class Held:
        classes = ()
        fingerprint = "f"

        def __init__(self, change: float) -> None:
            self.change = change

        def __len__(self) -> int:
            return 4

        def identity(self, i: int) -> str:
            return str(i)

        def target(self, i: int) -> Any:
            target = source.target(i)
            turned = target.quaternion * (self.change if i == 2 else 1)
            return dataclasses.replace(target, quaternion=turned)

    images = images_of(source, side=16, cache_dir=None)

    class Four:
        def __len__(self) -> int:
            return 4

        def __getattr__(self, name: str) -> Any:
            return getattr(images, name)

    one, other = (TaskSet.of("pose", Held(c), Four()) for c in (1.0, -1.0))  # type: ignore[arg-type]
    assert one.fingerprint != other.fingerprint


def test_a_test_set_answers_with_the_classes_that_were_learned() -> None:
    train = made("detection")
    test = made("detection", "scenes:20?size=16&objects=2&split=test", learned=train)
    assert test.task.names == train.task.names
    split = divide_task(train, test, 0.2, 0)
    assert (split.kind, len(split.test_rows), split.classes) == (
        "given",
        20,
        len(train.strata.unique()),
    )


def test_what_cannot_be_is_said() -> None:
    with pytest.raises(UsageError, match=r"segmentaton.*segmentation"):
        TaskSet.of("segmentaton", None, None)  # type: ignore[arg-type]
    two = made("classification", "scenes:3?size=16&factors=C")
    with pytest.raises(DataError, match="none of 3 labelled images can be held out"):
        divide_task(two, None, 0.2, 0)
