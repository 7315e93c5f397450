from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

from presight.studies.cells import NONE, Arm, Cell
from presight.studies.work import Group, Limit, carry_out, groups_of

SCRATCH, ROTATION = Arm(NONE, "resnet9:2"), Arm("rotation", "resnet9:2")
CELLS = [
    Cell(arm, "frozen", n, seed) for seed in (0, 1) for arm in (SCRATCH, ROTATION) for n in (10, 20)
]


class Desk:
    """Notes what is asked of it."""

    quiet = True

    def __init__(self) -> None:
        self.done: list[Any] = []
        self.arms = SimpleNamespace(
            is_there=lambda arm, seed: arm.method == NONE,
            pretrain=lambda arm, seed, quiet: self.done.append((arm, seed)),
        )

    def measure(self, cell: Cell) -> Any:
        self.done.append(cell)
        return SimpleNamespace(cell=cell)


def worked(group: Group, limit: Limit) -> tuple[bool, list[Any], list[Any]]:
    desk, rows = Desk(), []
    whole = carry_out(desk, group, limit, tell=lambda _: None, landed=rows.append)  # type: ignore[arg-type]
    return whole, desk.done, [row.cell for row in rows]


def test_a_group_is_an_arm_in_a_repetition() -> None:
    found = groups_of(CELLS)
    assert [(group.arm, group.seed) for group in found] == [
        (SCRATCH, 0), (ROTATION, 0), (SCRATCH, 1), (ROTATION, 1),
    ]  # fmt: skip
    assert [cell for group in found for cell in group.cells] == CELLS
    assert str(found[3]) == "rotation on resnet9:2, seed 1"


def test_pretraining_comes_first_and_once() -> None:
    group = groups_of(CELLS)[1]
    whole, done, landed = worked(group, Limit())
    assert whole
    assert done == [(ROTATION, 0), *group.cells]
    assert landed == list(group.cells)
    assert worked(groups_of(CELLS)[0], Limit())[1] == CELLS[:2]


def test_nothing_is_begun_that_goes_beyond_the_limit() -> None:
    group = groups_of(CELLS)[1]
    soon = time.time() + 100.0
    costs = dict(zip(group.cells, (60.0, 200.0), strict=True))
    whole, done, _ = worked(group, Limit(soon, 30.0, costs.__getitem__))
    assert (whole, done) == (False, [(ROTATION, 0), group.cells[0]])
    # A pretraining is in vain where no cell fits after it.
    assert worked(group, Limit(soon, 50.0, costs.__getitem__)) == (False, [], [])
