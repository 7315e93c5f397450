from __future__ import annotations

import dataclasses

from presight.studies.cells import Arm, Cell, key

ARMS = [Arm("a", "resnet9:8"), Arm("none", "resnet9:8")]


def test_a_key_tells_all_that_a_cell_depends_on() -> None:
    cell = Cell(ARMS[0], "frozen", 50, 0)
    others = [
        dataclasses.replace(cell, mode="finetune"),
        dataclasses.replace(cell, n_labels=51),
        dataclasses.replace(cell, seed=1),
        dataclasses.replace(cell, task="depth"),
        dataclasses.replace(cell, measured_on="b"),
        dataclasses.replace(cell, stage=2),
        dataclasses.replace(cell, arm=Arm("a", "resnet9:8", "b")),
        dataclasses.replace(cell, arm=ARMS[1]),
        dataclasses.replace(cell, arm=Arm("a", "resnet9-8")),  # alike in the readable part
    ]
    names = [key(one, {"size": 32}) for one in (cell, *others)] + [key(cell, {"size": 64})]
    assert len(set(names)) == 11
    assert key(cell, {"size": 32}) == names[0]
    assert names[0].startswith("a-resnet9-8-classification-frozen-50-seed0-")


def test_a_key_is_a_file_name_whatever_the_run_is_called() -> None:
    name = key(Cell(Arm("../runs/é b/" + 300 * "x", "timm/vit"), "frozen", 5, 0), {})
    assert "/" not in name
    assert len(name) < 120
