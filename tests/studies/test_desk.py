from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from presight.studies.cells import BLIND, NONE, PIXELS, Arm
from presight.studies.desk import Desk
from presight.studies.plan import Plan, World

SCENES = "scenes:40?size=16&factors=C"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    worlds = (
        World("a", SCENES, SCENES, "scenes:30?size=16&factors=C&split=test"),
        World("b", SCENES, SCENES, tasks=("depth", "segmentation")),
    )
    made = Desk(
        Plan(
            worlds=worlds, methods=("rotation", NONE), backbones=("resnet9:2",), seeds=2,
            label_counts="10,20", stages=True, image_size=16, device="cpu", updates=3,
        ),
        tmp_path, quiet=True,
    )  # fmt: skip
    (tmp_path / "cells").mkdir()
    yield made
    made.close()


def test_the_grid_is_whole_repetitions_one_after_the_other(desk: Desk) -> None:
    cells = desk.cells()
    assert len(cells) == len(set(cells))
    assert [cell.seed for cell in cells] == sorted(cell.seed for cell in cells)
    first = [cell for cell in cells if cell.seed == 0 and cell.measured_on == "a"]
    # An arm: 2 counts, 2 modes, 3 stages. Scratch has all labels too, anchors 2 counts.
    assert len(first) == 2 * (2 * 2 + 3) + 1 + 2 * 2
    assert sum(cell.n_labels == 40 for cell in first) == 1
    dense = [cell for cell in cells if cell.seed == 0 and cell.measured_on == "b"]
    assert len(dense) == 2 * (2 * (2 * 2 + 3) + 1 + 2 * 2)
    assert {cell.n_labels for cell in dense} == {10, 20, 32}


def test_cells_of_an_arm_and_a_repetition_stand_together(desk: Desk) -> None:
    order = [(cell.seed, cell.arm) for cell in desk.cells()]
    changes = sum(one != other for one, other in itertools.pairwise(order))
    assert changes == len(set(order)) - 1


def test_labels_that_cannot_name_all_classes_are_said(desk: Desk) -> None:
    desk.label_counts("depth", "b")
    assert not desk.notes
    desk.plan = dataclasses.replace(desk.plan, label_counts="5,20")
    desk.label_counts("classification", "a")
    desk.label_counts("classification", "a")
    (note,) = desk.notes
    assert note.startswith("classification: 5 labels are fewer than the 10 classes")


def test_anchors_are_measured_for_every_task(desk: Desk) -> None:
    for name in (BLIND, PIXELS):
        for cell in desk.cells():
            if cell.arm == Arm(name, "") and cell.seed == 0 and cell.n_labels == 20:
                row = desk.measure(cell)
                assert desk.place(cell).is_file()
                assert 0 <= next(iter(row.values.values())) <= 1
