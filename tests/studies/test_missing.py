from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from presight.studies.cells import NONE, Arm, Cell
from presight.studies.missing import Missing

ARM = Arm(NONE, "resnet9:2")
CELLS = [
    Cell(ARM, "frozen", n, seed, task)
    for seed in (0, 1)
    for task in ("classification", "depth")
    for n in (10, 20)
]


@pytest.fixture
def missing(tmp_path: Any) -> Missing:
    desk = SimpleNamespace(cells=lambda: CELLS, notes=["odd"], place=lambda cell: tmp_path / "none")
    told: list[str] = []
    made = Missing(desk, told.append)  # type: ignore[arg-type]
    assert told == ["note: odd"]
    return made


def test_answers_are_of_whole_repetitions(missing: Missing) -> None:
    for cell in CELLS[:-1]:
        missing.rows[cell] = SimpleNamespace(cell=cell)  # type: ignore[assignment]
    assert [row.cell for row in missing.found()] == CELLS[:-1]
    whole = {(row.cell.seed, row.cell.task) for row in missing.whole()}
    assert whole == {(0, "classification"), (0, "depth"), (1, "classification")}
