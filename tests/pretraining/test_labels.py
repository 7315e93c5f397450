"""Opening labels of any task: settings and forms are handed on, what is odd is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.labels.making import halves, images, plane
from presight.core.settings import Settings
from presight.data.decode import Limits
from presight.errors import DataError, UsageError
from presight.evaluation.tasks.sets import TASKS
from presight.pretraining import labels as opening
from presight.pretraining.labels import Forms, open_task_set

module: Any = opening
"""Its imports are replaced here."""


@pytest.fixture
def quiet(tmp_path: Path) -> Settings:
    return Settings(cache_dir=str(tmp_path / "cache"), workers=1, min_side=1, quiet=True)


@pytest.mark.parametrize("name", TASKS)
def test_every_task_is_opened_from_scenes(name: str, quiet: Settings) -> None:
    found = open_task_set(name, "scenes:6?size=16", quiet, 16, [], size=16)
    assert found.task.name == name
    assert len(found.images) == len(found.strata) == len(found.identities) == 6


def test_forms_and_settings_reach_the_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[Any, ...]] = []

    def record(spec: str, images: str | None, task: str, **given: Any) -> None:
        seen.append((spec, images, task, given))
        raise DataError("seen")

    monkeypatch.setattr(module, "open_task", record)
    settings = Settings(quiet=True, follow_links=True, min_side=9, max_bad_fraction=0.5, workers=3)
    given = Forms(images="photos", palette="p.csv", ignore=(0, 9), depth_scale=0.5)
    for forms, task in ((given, "segmentation"), (Forms(), "pose5")):
        with pytest.raises(DataError, match="seen"):
            open_task_set(task, "labels", settings, 16, [], forms=forms)
    rules = {"limits": Limits(min_side=9), "follow_links": True, "download": False,
             "max_bad_fraction": 0.5, "workers": 3, "progress": None}  # fmt: skip
    read = {"palette": "p.csv", "ignore": (0, 9), "depth_scale": 0.5}
    assert seen[0] == ("labels", "photos", "segmentation", {**read, **rules})
    read = {"palette": None, "ignore": (), "depth_scale": None}
    assert seen[1] == ("labels", None, "pose", {**read, **rules})


def test_what_is_odd_is_told_with_its_place(tmp_path: Path, quiet: Settings) -> None:
    images(tmp_path, 2)
    plane(tmp_path / "depth/0.png", halves(0, 60_000, np.uint16))
    warnings: list[str] = []
    spec, forms = str(tmp_path), Forms(depth_scale=0.001)
    found = open_task_set("depth", spec, quiet, 8, warnings, forms=forms)
    assert len(found.images) == 1
    assert [line for line in warnings if line.startswith(f"{spec}: ") and "depth 0" in line]
    assert [line for line in warnings if "image without usable labels" in line]
    with pytest.raises(UsageError, match="depth_scale has no effect"):
        open_task_set("segmentation", spec, quiet, 8, [], forms=forms)
    with pytest.raises(UsageError, match="no task"):
        open_task_set("dept", spec, quiet, 8, [])


def test_a_test_set_answers_in_the_classes_that_were_learned(
    tmp_path: Path, quiet: Settings
) -> None:
    for part, names in (("train", "abc"), ("test", "bc")):
        for name in names:
            images(tmp_path / part / name, 3)
    train, held = (str(tmp_path / part) for part in ("train", "test"))
    learned = open_task_set("classification", train, quiet, 8, [])
    found = open_task_set("classification", held, quiet, 8, [], learned=learned)
    assert found.task.names == ("a", "b", "c")
    assert set(found.strata.tolist()) == {1, 2}


@pytest.mark.parametrize("given", [{"ignore": "1,x"}, {"ignore": "256"}, {"depth_scale": -0.1}])
def test_forms_that_cannot_be(given: dict[str, Any]) -> None:
    usual: dict[str, Any] = {"images": "", "palette": "", "ignore": "", "depth_scale": 0.0}
    assert Forms.read(**usual) == Forms()
    with pytest.raises(UsageError, match=r"--(ignore|depth-scale) "):
        Forms.read(**{**usual, **given})
