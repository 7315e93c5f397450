"""The demo's steps, at a size of seconds."""

from __future__ import annotations

from pathlib import Path

from presight.evaluation.score import Score
from presight.pretraining.demo import Demo
from presight.pretraining.measure import Measured


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
