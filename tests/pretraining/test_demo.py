"""The demo's steps, at a size of seconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from presight.core.plan import FEW_UPDATES
from presight.errors import UsageError
from presight.evaluation.score import Score
from presight.pretraining import demo as demonstration
from presight.pretraining.demo import Demo, run_demo
from presight.pretraining.measure import Measured
from presight.pretraining.outcome import Run
from presight.store.folder import RunFolder

module: Any = demonstration
"""Its steps are replaced here."""


def score(row: str, protocol: str, value: float, n: int) -> Score:
    return Score(row, protocol, value, 0.0, 1.0, n, 10, 0)


ENOUGH = {"simclr": FEW_UPDATES, "rotation": FEW_UPDATES}


def test_the_table_shows_each_method_and_what_costs_nothing(tmp_path: Path) -> None:
    """A column a number of labels; the first method's other rows stand for all."""
    measured = {
        name: Measured(
            tmp_path,
            [
                score(row, protocol, value + step / 100, count)
                for step, count in enumerate(module.COUNTS)
                for row, protocol, value in (
                    ("pretrained", "linear", own),
                    ("pretrained", "knn", 0.9),
                    ("untrained", "linear", 0.4),
                    ("raw pixels", "linear", 0.25),
                    ("blind guess", "majority", 0.11),
                )
            ],
        )
        for name, own in (("simclr", 0.5), ("rotation", 0.6))
    }
    lines = Demo(tmp_path, measured, 90.0, ENOUGH, 3.0).lines()
    assert lines[0].split() == ["labels", "50", "200", "500", "2,000"]
    assert [line.split() for line in lines[1:6]] == [
        ["SimCLR", "50.0%", "51.0%", "52.0%", "53.0%"],
        ["Rotation", "(RotNet)", "60.0%", "61.0%", "62.0%", "63.0%"],
        ["untrained", "40.0%", "41.0%", "42.0%", "43.0%"],
        ["raw", "pixels", "25.0%", "26.0%", "27.0%", "28.0%"],
        ["blind", "guess", "11.0%", "12.0%", "13.0%", "14.0%"],
    ]
    assert "1.5 minutes" in lines[6]
    assert lines[7].startswith("SimCLR: With 2,000 labels, frozen features reach 53.0 %")
    assert [line.split() for line in lines[9:]] == [
        ["run", str(tmp_path / "simclr")],
        ["run", str(tmp_path / "rotation")],
        ["report", str(tmp_path / "report.html")],
    ]


def test_too_few_updates_are_told_with_the_command_that_gives_more_time(tmp_path: Path) -> None:
    measured = {name: Measured(tmp_path, []) for name in module.METHODS}

    def told(updates: dict[str, int], out: Path = Path("demo"), minutes: float = 3.0) -> list[str]:
        made = Demo(out, measured, 90.0, updates, minutes)
        lines = list(made.lines())
        return lines[lines.index(f"report    {made.report}") + 1 :]

    assert told(ENOUGH) == []
    few, command = told({"simclr": 63, "rotation": 14})
    assert "fitted into 3 minutes: 63 of SimCLR and 14 of Rotation (RotNet); little can" in few
    assert command == "more time presight demo --minutes 15"
    few, command = told({**ENOUGH, "simclr": FEW_UPDATES - 1}, Path("my demo"), 0.5)
    assert "299 of SimCLR; little" in few
    assert command == "more time presight demo --minutes 2.5 --out 'my demo'"


def test_each_method_is_pretrained_and_then_measured_on_other_scenes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[tuple[str, ...]] = []
    asked: list[tuple[float, bool]] = []
    rendered: list[str] = []

    def pretrain(data: str, *, settings: Any, plan: Any, options: Any) -> Run:
        assert rendered[-4:] == [module.DATA, module.WATCH, module.LABELS, module.TEST]
        steps.append(("pretrain", settings.method, data))
        asked.append((settings.minutes, settings.overwrite))
        folder = RunFolder(settings.out)
        if not folder.exists:
            folder.create()
        return Run(folder.path, {"updates": len(steps)})

    def evaluate(run: Path, labels: str, *, test: str, label_counts: str, **_: Any) -> Measured:
        assert label_counts == "50,200,500,2000"
        steps.append(("evaluate", run.name, labels, test))
        return Measured(run, [])

    monkeypatch.setattr(module, "pretrain", pretrain)
    monkeypatch.setattr(module, "evaluate_run", evaluate)
    monkeypatch.setattr(module, "images_for", lambda source, spec, *_: rendered.append(spec))
    done = run_demo(str(tmp_path), minutes=3.0)
    data, labels, test = module.DATA, module.LABELS, module.TEST
    assert len({data, labels, test, module.WATCH}) == 4
    assert test.endswith("split=test")
    assert steps == [
        step
        for name in module.METHODS
        for step in (("pretrain", name, data), ("evaluate", name, labels, test))
    ]
    assert done.updates == {"simclr": 1, "rotation": 3}
    assert done.minutes == 3.0
    assert done.runs == [tmp_path / name for name in module.METHODS]
    run_demo(str(tmp_path), minutes=3.0)  # the runs of the first are moved aside
    assert asked == [(1.5, False)] * 2 + [(1.5, True)] * 2
    for nothing in (0.0, -1.0):  # for pretrain 0 is no budget, which would be half an hour
        with pytest.raises(UsageError, match=f"--minutes {nothing:g}: expected a number above 0"):
            run_demo(str(tmp_path), minutes=nothing)
    assert len(asked) == 4
