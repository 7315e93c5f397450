from __future__ import annotations

from presight.evaluation.intervals import Interval
from presight.studies.claims.measured import Contrast, Place, Setting
from presight.studies.claims.wording import in_doublings, in_points, listed, omitted, scope, shown


def test_numbers() -> None:
    effect = Interval(0.031, -0.01, 0.072)
    assert in_points(effect) == "+3.1 points (95 % interval −1.0 to +7.2)"  # noqa: RUF001
    assert in_doublings(effect) == "+0.03 doublings of labels (95 % interval −0.01 to +0.07)"  # noqa: RUF001


def test_lists() -> None:
    assert listed([]) == "nothing"
    assert listed(["a", "a"]) == "a"
    assert listed("abc") == "a, b and c"
    assert shown("runs/one") == "one"
    assert omitted(0, 3, "curves") == ""
    assert omitted(1, 3, "curves") == "Left out for want of cells: 1 of 3 curves."


def test_a_scope_names_no_scratch() -> None:
    where = [Setting("resnet18", "pose", world, 50) for world in ("a", "b")]
    parts = [
        Contrast({Place(name, "finetune", one): 1.0}) for name in ("none", "vae") for one in where
    ]
    assert scope(parts, [0]) == "vae on pose with resnet18, 2 worlds, 1 repetition"
    assert scope(parts[:2], [0, 1]) == "scratch on pose with resnet18, 2 worlds, 2 repetitions"


def test_long_lists_are_counted() -> None:
    where = Setting("resnet18", "pose", "", 50)
    parts = [Contrast({Place(name, "finetune", where): 1.0}) for name in "abcd"]
    assert scope(parts, [0]) == "4 pretrainings on pose with resnet18, 1 repetition"
