"""Records beside the answers, of two arms of small networks on colored images."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from evaluation.doubles import colored
from presight.core.backbone import Backbone
from presight.errors import DataError
from presight.evaluation.finetune import StepBudget
from presight.evaluation.tasks.classification import Classification
from presight.evaluation.tasks.sets import TaskDivision, TaskSet
from presight.nn.backbones import encoders
from presight.studies import beside as module
from presight.studies.bench import Bench
from presight.studies.beside import beside
from presight.studies.cells import Arm, Cell, Row
from presight.training.runtime import Runtime

GOOD, OTHER, NONE = (Arm(name, "resnet9:4") for name in ("good", "other", "none"))
SEEDS = 2


def labelled(n: int, seed: int) -> TaskSet:
    made = colored(n, seed)
    task = Classification(made.labels, 3, made.classes)
    return TaskSet(task, made.images, task.strata, made.fingerprint, tuple(map(str, range(n))))


def bench() -> Bench:
    rows = torch.arange(40), torch.arange(30)
    division = TaskDivision(labelled(40, 0), labelled(30, 1), *rows, "given")
    runtime = Runtime("cpu", "fp32")
    return Bench(division, size=8, budget=StepBudget(), runtime=runtime, cache=None)


class Arms:
    """As a study's, with networks whose weights the seed draws."""

    def __init__(self, out: Path, there: bool = True) -> None:
        self.out, self.there, self.loaded = out, there, 0
        self.plan = SimpleNamespace(image_size=8, device="cpu")

    def is_there(self, arm: Arm, seed: int) -> bool:
        return self.there

    def asked(self, arm: Arm, seed: int) -> dict[str, Any]:
        return {"epochs": 1}

    def network(self, arm: Arm, seed: int) -> Backbone:
        self.loaded += 1
        torch.manual_seed(10 * len(arm.method) + seed)
        return encoders("resnet9:4", image_size=8)()


def rows() -> list[Row]:
    value = {GOOD: 0.8, OTHER: 0.6, NONE: 0.9}
    return [
        Row(Cell(arm, "frozen", n, seed), {"accuracy": value[arm] + n / 1000}, {}, 30, 1.0, {})
        for arm in value
        for n in (10, 40)
        for seed in range(SEEDS)
    ]


def nearest(
    train: Tensor, labels: Tensor, test: Tensor, seed: int
) -> tuple[Tensor, dict[str, Any]]:
    """A classifier that takes no time."""
    return labels[torch.cdist(test, train).argmin(1)], {}


def made(arms: Arms, monkeypatch: pytest.MonkeyPatch, **asked: bool) -> Any:
    opened = bench()
    monkeypatch.setattr(module, "_unlabelled", lambda *_: (colored(50, 2).images, "fifty"))
    monkeypatch.setattr(module.selection, "DRAWS", 1)
    monkeypatch.setattr(module.selection, "linear_answers", nearest)
    return beside(arms, lambda *_: opened, rows(), tell=lambda _: None, **asked)  # type: ignore[arg-type]


def test_every_pretrained_network_is_diagnosed_and_the_best_one_chooses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arms = Arms(tmp_path)
    found = made(arms, monkeypatch)
    told = found["diagnostics"]
    assert told["images"] == 50
    assert {one["n"] for one in told["correlations"]} == {2 * SEEDS}
    assert {one["score"]["n_labels"] for one in told["correlations"]} == {40}
    names = {one["figure"] for one in told["correlations"]}
    assert names >= {"effective rank", "kNN, leave one out", "probe, fewest labels"}
    (chosen,) = found["selection"]["arms"]
    assert chosen["arm"]["method"] == "good"
    assert chosen["networks"] == SEEDS
    assert len(list((tmp_path / "diagnostics").iterdir())) == 2 * SEEDS
    assert len(list((tmp_path / "selection").iterdir())) == SEEDS
    loaded = arms.loaded
    assert made(arms, monkeypatch) == found
    assert arms.loaded == loaded
    assert set(made(arms, monkeypatch, choose=False)) == {"diagnostics"}
    json.dumps(told)


def test_the_best_is_that_of_the_labels_that_are_chosen_among(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another world, whose arm has the better score, and a stage that has a better one yet."""
    monkeypatch.setattr(module.selection, "linear_answers", nearest)
    monkeypatch.setattr(module, "_diagnostics", lambda *_: {})
    opened, asked = bench(), []
    cells = [
        Row(Cell(GOOD, "frozen", 40, 0, measured_on="here"), {"accuracy": 0.6}, {}, 30, 1.0, {}),
        Row(Cell(GOOD, "finetune", 40, 0, measured_on="here"), {"accuracy": 0.6}, {}, 30, 1.0, {}),
        Row(Cell(OTHER, "frozen", 40, 0, measured_on="here", stage=1), {"accuracy": 0.9}, {}, 30,
            1.0, {}),
        Row(Cell(OTHER, "finetune", 40, 0, measured_on="here"), {"accuracy": 0.8}, {}, 30, 1.0, {}),
        Row(Cell(OTHER, "frozen", 40, 0, measured_on="there"), {"accuracy": 0.9}, {}, 30, 1.0, {}),
    ]  # fmt: skip

    def opening(task: str, on: str) -> Bench:
        asked.append(on)
        return opened

    found = beside(Arms(tmp_path), opening, cells, tell=lambda _: None)  # type: ignore[arg-type]
    assert found["selection"]["arms"][0]["arm"]["method"] == "good"
    assert asked == ["here"]


def test_networks_that_were_not_kept_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert made(Arms(tmp_path, there=False), monkeypatch) == {}


def test_without_images_it_is_said_and_the_rest_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        raise DataError("the folder is gone.")

    opened, told = bench(), list[str]()
    monkeypatch.setattr(module, "_unlabelled", gone)
    monkeypatch.setattr(module.selection, "linear_answers", nearest)
    found = beside(Arms(tmp_path), lambda *_: opened, rows(), tell=told.append)  # type: ignore[arg-type]
    assert set(found) == {"selection"}
    assert any("the folder is gone" in line for line in told)
