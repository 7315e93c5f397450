from __future__ import annotations

from pathlib import Path

import pytest
import torch

from evaluation.doubles import colored
from presight.evaluation.finetune import StepBudget
from presight.evaluation.labelled import divide
from presight.evaluation.linear import linear_probe
from presight.nn.backbones import encoders
from presight.studies.bench import Bench
from presight.studies.cells import Arm, Cell
from presight.studies.rows import unpacked
from presight.training.runtime import Runtime

ARM = Arm("none", "resnet9:4")


def bench(cache: Path | None = None) -> Bench:
    division = divide(colored(60, 0), colored(30, 1), 0.2, 0)
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
    assert ("rate" in row.details) == (mode == "finetune")


def test_a_frozen_cell_is_the_linear_probe_of_its_labels(tmp_path: Path) -> None:
    made = bench(tmp_path)
    backbone = encoders("resnet9:4", image_size=8)()
    row = made.measure(Cell(ARM, "frozen", 30, 1), backbone, {})
    split = made.division
    rows = split.train_rows[split.subset(30, 1)]
    bank, queries = made._extracted(backbone)
    probe = linear_probe(bank[rows], split.train.labels[rows], seed=1)
    right = (probe.predict(queries) == split.test_labels).float().mean()
    assert row.values["accuracy"] == pytest.approx(float(right))


def test_the_test_images_never_enter_the_choice_of_a_rate() -> None:
    made = bench()
    rows = made.division.train_rows[made.division.subset(30, 0)]
    judges = made._judges(rows, 0)
    assert 0 < int(judges.sum()) <= 6
    labels = made.division.train.labels[rows]
    assert set(labels[~judges].tolist()) == set(labels.tolist())
