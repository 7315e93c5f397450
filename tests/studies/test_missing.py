from __future__ import annotations

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import pytest

from presight.studies import missing as module
from presight.studies.cells import NONE, Arm, Cell
from presight.studies.forecast import Cost
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


class TenSeconds:
    """A forecast of cells that take ten seconds each."""

    def __init__(self, *_: Any) -> None:
        self.learned: list[Any] = []

    def measure(self, cells: Any) -> float:
        return 0.0

    def of(self, cells: Iterable[Cell]) -> Cost:
        return Cost(frozen=10.0 * len(list(cells)))

    def cell(self, cell: Cell) -> float:
        return 10.0

    def pretraining(self, arm: Arm, seed: int) -> float:
        return 0.0

    def learn(self, row: Any) -> None:
        self.learned.append(row)


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> tuple[Missing, list[str]]:
    """A study on a clock that only its cells move."""
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr("time.time", lambda: clock.now)
    monkeypatch.setattr(module, "Forecast", TenSeconds)

    def measure(cell: Cell) -> Any:
        clock.now += 10.0
        return SimpleNamespace(cell=cell)

    desk = SimpleNamespace(
        cells=lambda: CELLS, notes=[], place=lambda cell: tmp_path / "none", quiet=True,
        measure=measure, arms=SimpleNamespace(is_there=lambda *_: True),
    )  # fmt: skip
    told: list[str] = []
    return Missing(desk, told.append), told  # type: ignore[arg-type]


def test_a_budget_leaves_out_what_does_not_fit(timed: tuple[Missing, list[str]]) -> None:
    missing, told = timed
    assert missing.do("local", 45.0) == []
    assert told == [
        "measuring 8 of 8 cells; the others are there already",
        "it takes about 1 min: 1 min frozen",
        "left out for the budget: the task depth",
        "measured in 40 s",
    ]
    assert {cell.task for cell in missing.rows} == {"classification"}
    assert len(missing.whole()) == 4
    assert missing.left_out == ["the task depth"]


def test_what_never_fits_goes_on_until_the_budget_is_used_up(
    timed: tuple[Missing, list[str]],
) -> None:
    missing, told = timed
    missing.do("local", 25.0)
    assert "even the least of the study takes about 40 s, and the budget is 25 s" in told[3]
    # A third cell would end after it.
    assert [cell.seed for cell in missing.rows] == [0, 0]
    assert told[-1].startswith("the budget is used up; 2 cells are left")
    assert len(missing.whole()) == 2


def test_without_a_budget_everything_is_done(timed: tuple[Missing, list[str]]) -> None:
    missing, _ = timed
    missing.do("local")
    assert list(missing.rows) == CELLS
    assert missing.left_out == []
