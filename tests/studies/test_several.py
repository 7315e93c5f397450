from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from presight.studies import several
from presight.studies.conclude import Studied
from presight.studies.plan import Plan, World
from presight.studies.several import run_several

SCENES = "scenes:40?size=16&factors=C"


def test_parts_are_studies_of_their_own_and_answered_together(tmp_path: Path) -> None:
    plan = Plan(
        worlds=(World("a", SCENES, SCENES),), methods=("none",), backbones=("resnet9:2",),
        seeds=2, label_counts="10,20", image_size=16, updates=2, device="cpu", modes=("frozen",),
    )  # fmt: skip
    other = dataclasses.replace(
        plan, worlds=(World("b", SCENES, SCENES),), tasks=("depth",), label_counts="20"
    )
    found = run_several({"one": plan, "two": other}, tmp_path, quiet=True)
    assert [one.title for one in found.answers] == ["classification on a", "depth on b"]
    told = json.loads((tmp_path / "study.json").read_text())
    assert [world["name"] for world in told["plan"]["worlds"]] == ["a", "b"]
    assert told["plan"]["tasks"] == ["classification", "depth"]
    parts = [json.loads((tmp_path / name / "study.json").read_text()) for name in ("one", "two")]
    sentences = [[one["sentence"] for one in part["answers"]] for part in (told, *parts)]
    assert sentences[0] == [*sentences[1], *sentences[2]]
    assert told.get("selection") == parts[0].get("selection")
    cells = sum(1 for _ in tmp_path.glob("*/cells/*.json"))
    assert len(found.rows) == cells == 2 * 3 * 2 + 2 * 3


def test_parts_share_what_is_left_of_a_budget(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, shares = [1000.0], []

    def run(plan: Plan, out: Path, *, budget: float) -> Studied:
        shares.append(budget)
        clock[0] += 10.0
        return Studied(out, [], [])

    monkeypatch.setattr(several, "run_study", run)
    monkeypatch.setattr("time.time", lambda: clock[0])
    plan = Plan(worlds=(World("a", SCENES, SCENES),))
    run_several({"one": plan, "two": plan, "three": plan}, tmp_path, budget=90.0)
    assert shares == [30.0, 40.0, 70.0]
    run_several({"one": plan, "two": plan}, tmp_path, budget=5.0)
    assert shares[3:] == [2.5, 1.0]  # used up, which is no budget of none
