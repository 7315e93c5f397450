from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from presight import study
from presight.errors import UsageError
from presight.studies.presets import start
from presight.studies.presets.newell_deng import CPU


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    seen: list[Any] = []
    monkeypatch.setattr(start, "run_several", lambda plans, out, **o: seen.append((plans, out, o)))
    monkeypatch.setattr(start, "run_table1", lambda data, out, **o: seen.append((data, out, o)))
    return seen


def test_the_scenes_take_what_is_given_and_else_the_scale(ran: list[Any], tmp_path: Path) -> None:
    study(preset="newell-deng", label_counts="10,20", image_size=16, out=tmp_path, device="cpu")
    ((plans, out, options),) = ran
    assert out == tmp_path
    assert options == {"executor": "local", "budget": 0.0, "quiet": False}
    for plan in plans.values():
        assert (plan.label_counts, plan.image_size, plan.updates) == ("10,20", 16, CPU.updates)
        assert {"simclr", "rotation", "none"} <= set(plan.methods)
        assert "size=16" in plan.worlds[0].data


def test_the_table_takes_what_is_given(ran: list[Any], tmp_path: Path) -> None:
    study("photos", preset="table1", methods="simclr,none", image_size=32, backbones="resnet18",
          epochs=2, out=tmp_path, device="cpu")  # fmt: skip
    ((data, out, options),) = ran
    assert (data, out) == ("photos", tmp_path)
    assert (options["backbone"], options["image_size"]) == ("resnet18", 32)
    assert (options["methods"], options["seeds"]) == (("simclr", "none"), 1)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"preset": "newell-deng", "data": "photos"}, "leave DATA out"),
        ({"preset": "newell-deng", "task": "depth"}, "--task has no effect"),
        ({"preset": "table1"}, "needs a folder with train and val"),
        ({"preset": "table1", "data": "x", "label_counts": "50"}, "--label-counts has no effect"),
        ({"preset": "table1", "data": "x", "executor": "ray"}, "leave --executor out"),
        ({"preset": "table1", "data": "x", "budget": "8h"}, "has no --budget"),
        ({"preset": "table1", "data": "x", "transfer": True}, "--transfer has no effect"),
    ],
)
def test_options_without_effect_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        study(options.pop("data", ""), **options)
