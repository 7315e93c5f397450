from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest

from presight.evaluation import finetune, learned
from presight.studies.cells import BLIND, NONE, Arm, Cell
from presight.studies.desk import Desk
from presight.studies.plan import Plan, World
from presight.studies.prices import Work, price, work_of

SCENES = "scenes:40?size=16&factors=C"
ARM = Arm(NONE, "resnet9:2")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    made = Desk(
        Plan(
            worlds=(World("", SCENES, SCENES),), tasks=("classification", "depth"),
            methods=(NONE,), backbones=("resnet9:2",), seeds=1, image_size=16, device="cpu",
            updates=3,
        ),
        tmp_path_factory.mktemp("a"), quiet=True,
    )  # fmt: skip
    yield made
    made.close()


def test_work_is_what_a_cell_really_does(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Updates and images are counted while the cell is measured."""
    seen = {"updates": 0, "images": 0}
    real_forward, real_judged = finetune.FineTune.forward, finetune.judged

    def forward(self: Any, *args: Any) -> Any:
        seen["updates"] += 1
        return real_forward(self, *args)

    def judged(task: Any, model: Any, images: Any, rows: Any, **options: Any) -> Any:
        seen["images"] += len(rows)
        return real_judged(task, model, images, rows, **options)

    monkeypatch.setattr(finetune.FineTune, "forward", forward)
    monkeypatch.setattr(finetune, "judged", judged)
    monkeypatch.setattr(learned, "judged", judged)
    bench = desk.bench("depth", "")
    budget = dataclasses.replace(bench.budget, least=16, most=16)
    monkeypatch.setattr(bench, "budget", budget)
    cell = Cell(ARM, "finetune", 20, 0, "depth")
    bench.measure(cell, desk.arms.network(ARM, 0), {})
    work, rates = work_of(bench, cell, first=False), len(finetune.RATES)
    assert seen["updates"] == work.updates == (rates + 1) * 16
    # The whole test part, and held-out labels on the way of each trial.
    tested = len(bench.division.test_rows)
    assert seen["images"] == work.images == rates * finetune.WATCHED * 4 + tested


def test_a_probe_makes_its_features_once(desk: Desk) -> None:
    bench = desk.bench("classification", "")
    cell = Cell(ARM, "frozen", 20, 0)
    assert work_of(bench, cell, first=True) == Work(0, 40, 20)
    assert work_of(bench, cell, first=False) == Work(0, 0, 20)
    assert work_of(bench, dataclasses.replace(cell, stage=1), first=False) == Work(0, 40, 20)
    blind = Cell(Arm(BLIND, ""), "frozen", 20, 0)
    assert work_of(bench, blind, first=True) == Work(0, 0, 0)


def test_seconds_are_of_updates_images_and_labels() -> None:
    work = Work(10, 100, 1000) + Work(1, 0, 0)
    assert work.times(Work(2.0, 0.5, 0.01)) == 11 * 2.0 + 100 * 0.5 + 1000 * 0.01


@pytest.mark.parametrize(
    ("task", "mode", "stage"),
    [("classification", "frozen", 0), ("classification", "frozen", 1), ("depth", "finetune", 0)],
)
def test_a_price_is_positive_where_there_is_work(
    desk: Desk, task: str, mode: Any, stage: int
) -> None:
    bench = desk.bench(task, "")
    cell = Cell(ARM, mode, 20, 0, task, stage=stage)
    found = price(bench, cell, desk.arms.network(ARM, 0))
    assert found.images > 0
    assert (found.updates > 0) == (task == "depth")
    assert (found.labels > 0) == (task == "classification")
