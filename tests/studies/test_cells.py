from __future__ import annotations

import dataclasses

from presight.studies.cells import Arm, Cell, grid, key

ARMS = [Arm("a", "resnet9:8"), Arm("none", "resnet9:8")]


def test_the_grid_is_whole_repetitions_one_after_the_other() -> None:
    cells = grid(ARMS, ("frozen", "finetune"), [50, 200], 3)
    assert len(cells) == len(set(cells)) == 2 * 2 * 2 * 3
    assert [cell.seed for cell in cells] == [0] * 8 + [1] * 8 + [2] * 8


def test_a_key_tells_all_that_a_cell_depends_on() -> None:
    cell = Cell(ARMS[0], "frozen", 50, 0)
    others = [
        dataclasses.replace(cell, mode="finetune"),
        dataclasses.replace(cell, n_labels=51),
        dataclasses.replace(cell, seed=1),
        dataclasses.replace(cell, arm=ARMS[1]),
        dataclasses.replace(cell, arm=Arm("a", "resnet9-8")),  # alike in the readable part
    ]
    names = [key(one, {"size": 32}) for one in (cell, *others)] + [key(cell, {"size": 64})]
    assert len(set(names)) == 7
    assert key(cell, {"size": 32}) == names[0]
    assert names[0].startswith("a-resnet9-8-frozen-50-seed0-")


def test_a_key_is_a_file_name_whatever_the_run_is_called() -> None:
    name = key(Cell(Arm("../runs/é b/" + 300 * "x", "timm/vit"), "frozen", 5, 0), {})
    assert "/" not in name
    assert len(name) < 120
