from __future__ import annotations

from pathlib import Path

import pytest
import torch

from evaluation.doubles import colored
from presight.evaluation.finetune import StepBudget
from presight.evaluation.linear import linear_probe
from presight.evaluation.parts import FirstStages
from presight.evaluation.tasks.classification import Classification
from presight.evaluation.tasks.sets import TaskSet, divide_task
from presight.nn.backbones import encoders
from presight.studies.bench import Bench
from presight.studies.cells import Arm, Cell
from presight.studies.rows import unpacked
from presight.training.runtime import Runtime

ARM = Arm("none", "resnet9:4")


def painted(n: int, seed: int) -> TaskSet:
    made = colored(n, seed)
    task = Classification(made.labels, len(made.classes), made.classes)
    names = tuple(made.names(torch.arange(n)))
    return TaskSet(task, made.images, made.labels, made.fingerprint, names)


def bench(cache: Path | None = None) -> Bench:
    division = divide_task(painted(60, 0), painted(30, 1), 0.2, 0)
    budget = StepBudget(least=8, most=8, batch_size=16, rates=(1e-3, 3e-3))
    return Bench(division, size=8, budget=budget, runtime=Runtime("cpu", "fp32"), cache=cache)


@pytest.mark.parametrize("mode", ["frozen", "finetune"])
def test_a_row_holds_what_was_answered(mode: str) -> None:
    made = bench()
    torch.manual_seed(0)
    backbone = encoders("resnet9:4", image_size=8)()
    row = made.measure(Cell(ARM, mode, 30, 0), backbone, {"weights": "drawn"})  # type: ignore[arg-type]
    assert row.n_test == 30
    for metric, value in row.values.items():
        assert unpacked(row.influences[metric], 30).mean() == pytest.approx(value, rel=1e-5)
    assert row.details["weights"] == "drawn"
    assert row.details["skipped"] == 0
    assert ("rate" in row.details) == (mode == "finetune")


def test_a_frozen_cell_is_the_linear_probe_of_its_labels(tmp_path: Path) -> None:
    made = bench(tmp_path)
    backbone = encoders("resnet9:4", image_size=8)()
    row = made.measure(Cell(ARM, "frozen", 30, 1), backbone, {})
    split = made.division
    rows, labels = split.subset(30, 1), split.train.strata
    bank, queries = made._extracted(backbone)
    probe = linear_probe(bank[rows], labels[rows], seed=1)
    right = (probe.predict(queries) == split.test.strata).float().mean()
    assert row.values["accuracy"] == pytest.approx(float(right))


def test_a_stage_is_measured_alone() -> None:
    made = bench()
    backbone = encoders("resnet9:4", image_size=8)()
    whole, part = (made.measure(Cell(ARM, "frozen", 30, 1, stage=k), backbone, {}) for k in (0, 1))
    features = FirstStages(backbone.eval(), 1)
    rows = made.division.subset(30, 1)
    bank, queries = made._extracted(features)
    assert bank.shape[1] == backbone.stage_dims[0]
    probe = linear_probe(bank[rows], made.division.train.strata[rows], seed=1)
    right = (probe.predict(queries) == made.division.test.strata).float().mean()
    assert part.values["accuracy"] == pytest.approx(float(right))
    assert whole.cell != part.cell


def test_without_a_backbone_the_commonest_class_is_answered() -> None:
    made = bench()
    row = made.measure(Cell(Arm("blind", ""), "frozen", 30, 0), None, {})
    labels = made.division.train.strata[made.division.subset(30, 0)]
    share = (made.division.test.strata == labels.bincount().argmax()).float().mean()
    assert row.values["accuracy"] == pytest.approx(float(share))


def test_a_learner_is_watched_on_labels_that_it_does_not_learn_from() -> None:
    made = bench()
    row = made.measure(Cell(ARM, "finetune", 30, 0), encoders("resnet9:4", image_size=8)(), {})
    trace = row.details["trace"]
    assert trace["updates"] == list(range(1, 9))
    assert trace["scores"][-1] == row.details["trials"][str(row.details["rate"])]
