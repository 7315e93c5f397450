from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from presight.evaluation.finetune import RATES
from presight.studies import forecast as module
from presight.studies.cells import BLIND, NONE, Arm, Cell, Row
from presight.studies.desk import Desk
from presight.studies.forecast import Cost, Forecast
from presight.studies.plan import Plan, World
from presight.studies.prices import Work

SCENES = "scenes:40?size=16&factors=C"
SCRATCH, ROTATION = Arm(NONE, "resnet9:2"), Arm("rotation", "resnet9:2")


@pytest.fixture
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    made = Desk(
        Plan(
            worlds=(World("", SCENES, SCENES),), methods=("rotation", NONE), label_counts="10,20",
            backbones=("resnet9:2",), seeds=3, image_size=16, device="cpu", minutes=2.0,
            updates=100,
        ),
        tmp_path_factory.mktemp("a"), quiet=True,
    )  # fmt: skip
    yield made
    made.close()


def row(cell: Cell, seconds: float) -> Row:
    return Row(cell, {}, {}, 8, seconds, {})


def cell(arm: Arm, mode: Any, n: int, seed: int = 0) -> Cell:
    return Cell(arm, mode, n, seed)


def test_cells_take_what_cells_of_their_kind_and_labels_took(desk: Desk) -> None:
    found = Forecast(desk, desk.cells(), [row(cell(SCRATCH, "finetune", 10), 3.0)])
    # The same kind: another method and seed of the same backbone, task and mode.
    assert found.cell(cell(ROTATION, "finetune", 10, 2)) == 3.0
    assert found.of([cell(ROTATION, "frozen", 10)]).unknown == 2  # it, and its pretraining
    found.learn(row(cell(ROTATION, "finetune", 10, 1), 5.0))
    assert found.cell(cell(SCRATCH, "finetune", 10, 2)) == 4.0
    # Other numbers of labels by the work that they are.
    assert found.cell(cell(SCRATCH, "finetune", 20)) == pytest.approx(4.0, rel=0.1)


def test_a_measured_price_is_set_right_by_what_cells_take(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "price", lambda *_: Work(0.01, 0.0, 0.0))
    found = Forecast(desk, desk.cells(), [])
    found.measure([cell(SCRATCH, "finetune", 10, seed) for seed in range(3)])
    trainings = len(RATES) + 1
    assert found.cell(cell(SCRATCH, "finetune", 10)) == pytest.approx(trainings * 100 * 0.01)
    found.learn(row(cell(SCRATCH, "finetune", 10), 8.0))
    assert found.cell(cell(SCRATCH, "finetune", 20)) == pytest.approx(8.0)


def test_pretraining_counts_once_a_repetition_until_it_is_there(desk: Desk) -> None:
    found = Forecast(desk, desk.cells(), [])
    found.measure([one for one in desk.cells() if one.arm == ROTATION])
    some = [cell(ROTATION, mode, n, seed) for mode in ("frozen", "finetune")
            for n in (10, 20) for seed in (0, 1)]  # fmt: skip
    assert found.of(some).pretraining == 2 * 120.0
    assert found.pretraining(ROTATION, 0) == 120.0
    assert found.pretraining(SCRATCH, 0) == 0.0
    found.learn(row(cell(ROTATION, "frozen", 10), 1.0))
    assert found.pretraining(ROTATION, 0) == 0.0
    assert found.of(some).pretraining == 120.0


def test_what_is_short_is_not_measured_first(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Cell] = []
    monkeypatch.setattr(module, "price", lambda bench, one, *_: asked.append(one) or Work(1, 1, 1))
    found = Forecast(desk, desk.cells(), [])
    long = [cell(SCRATCH, "finetune", 10, seed) for seed in range(3)]  # more than 1,000 updates
    found.measure([*long, cell(SCRATCH, "frozen", 10), cell(Arm(BLIND, ""), "frozen", 10)])
    assert asked == long[:1]
    assert found.of([cell(SCRATCH, "frozen", 10)]).unknown == 1
    assert found.of([cell(Arm(BLIND, ""), "frozen", 10)]).unknown == 0


def test_the_line_says_what_takes_how_long() -> None:
    cost = Cost(45 * 60.0, 20 * 60.0, 135 * 60.0)
    assert cost.line() == (
        "about 3 h 20 min: 45 min pretraining, 20 min frozen, 2 h 15 min fine-tuning"
    )
    assert cost.line(2).startswith("about 1 h 40 min: 22 min pretraining")
    assert cost.line(2).endswith(", on 2 workers")
    assert Cost(0.0, 30.0, 0.0, unknown=2).line() == (
        "about 30 s: 30 s frozen; 2 short pieces of work are not in it, as measuring them first "
        "would take too long"
    )
