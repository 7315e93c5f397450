"""The demo's steps, at a size of seconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from presight.errors import UsageError
from presight.evaluation.score import Score
from presight.pretraining import demo as demonstration
from presight.pretraining.demo import Demo, run_demo
from presight.pretraining.measure import Measured
from presight.store.folder import RunFolder

module: Any = demonstration
"""Its steps are replaced here."""


def score(row: str, protocol: str, value: float) -> Score:
    return Score(row, protocol, value, 0.0, 1.0, 10, 10, 0)


def test_the_table_shows_each_method_and_what_costs_nothing(tmp_path: Path) -> None:
    measured = {
        name: Measured(
            tmp_path,
            [
                *(score("pretrained", p, v) for p, v in (("knn", own), ("linear", own + 0.1))),
                *(score("untrained", p, v) for p, v in (("knn", 0.3), ("linear", 0.4))),
                *(score("raw pixels", p, v) for p, v in (("knn", 0.2), ("linear", 0.25))),
                score("blind guess", "majority", 0.11),
            ],
        )
        for name, own in (("simclr", 0.5), ("rotation", 0.6))
    }
    lines = Demo(tmp_path, measured, 90.0).lines()
    assert [line.split() for line in lines[1:6]] == [
        ["SimCLR", "50.0%", "60.0%"],
        ["Rotation", "(RotNet)", "60.0%", "70.0%"],
        ["untrained", "30.0%", "40.0%"],
        ["raw", "pixels", "20.0%", "25.0%"],
        ["blind", "guess", "11.0%", "11.0%"],
    ]
    assert "1.5 minutes" in lines[6]
    assert [line.split()[-1] for line in lines[7:]] == [
        str(tmp_path / "simclr"),
        str(tmp_path / "rotation"),
    ]


def test_each_method_is_pretrained_and_then_measured_on_other_scenes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[tuple[str, ...]] = []
    asked: list[tuple[float, bool]] = []

    def pretrain(data: str, *, settings: Any, plan: Any, options: Any) -> None:
        steps.append(("pretrain", settings.method, data))
        asked.append((settings.minutes, settings.overwrite))
        folder = RunFolder(settings.out)
        if not folder.exists:
            folder.create()

    def evaluate(run: Path, labels: str, *, test: str) -> Measured:
        steps.append(("evaluate", run.name, labels, test))
        return Measured(run, [])

    monkeypatch.setattr(module, "pretrain", pretrain)
    monkeypatch.setattr(module, "evaluate_run", evaluate)
    done = run_demo(str(tmp_path), minutes=3.0)
    data, labels, test = module.DATA, module.LABELS, module.TEST
    assert len({data, labels, test}) == 3
    assert steps == [
        step
        for name in module.METHODS
        for step in (("pretrain", name, data), ("evaluate", name, labels, test))
    ]
    assert done.runs == [tmp_path / name for name in module.METHODS]
    run_demo(str(tmp_path), minutes=3.0)  # the runs of the first are moved aside
    assert asked == [(1.5, False)] * 2 + [(1.5, True)] * 2
    for nothing in (0.0, -1.0):  # for pretrain 0 is no budget, which would be half an hour
        with pytest.raises(UsageError, match=f"--minutes {nothing:g}: expected a number above 0"):
            run_demo(str(tmp_path), minutes=nothing)
    assert len(asked) == 4
