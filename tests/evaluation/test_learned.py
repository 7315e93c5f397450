"""Learning from a part of the labels and answering the test part."""

from __future__ import annotations

import json

import pytest
import torch

from evaluation.tasks.test_sets import made
from presight.evaluation import learned as home
from presight.evaluation.finetune import StepBudget, finetune
from presight.evaluation.learned import history, learned
from presight.evaluation.tasks.sets import divide_task
from presight.nn.backbones import encoders
from presight.training.runtime import Runtime

BUDGET = StepBudget(least=4, most=4, batch_size=8, rates=(1e-3, 3e-3))


def test_it_learns_from_the_rows_and_answers_every_test_image(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    division = divide_task(made("segmentation"), None, 0.25, 0)
    rows = division.subset(20, 1)
    backbone = encoders("resnet9:2", image_size=16)()
    given = {}

    def spied(*args: object, **options: object) -> object:
        given.update(options, rows=args[3])
        return finetune(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(home, "finetune", spied)
    steps: list[tuple[int, int]] = []
    trained, found = learned(
        division, backbone, rows, size=16, frozen=False, budget=BUDGET, seed=1,
        runtime=Runtime("cpu", "fp32"), progress=lambda done, total: steps.append((done, total)),
    )  # fmt: skip
    assert torch.equal(given["rows"], rows)  # type: ignore[arg-type]
    held = division.train.held_out(rows, 0.2, 1, "tuning")
    assert torch.equal(given["held_out"], held)  # type: ignore[arg-type]
    assert (given["seed"], given["frozen"]) == (1, False)
    assert len(found) == len(division.test_rows)
    assert steps == [(done, 12) for done in range(1, 13)]  # two trials, then all of the rows
    told = history(trained)
    assert json.loads(json.dumps(told)) == told
    assert told["updates"] == 4
    assert set(told["trials"]) == {"0.001", "0.003"}
