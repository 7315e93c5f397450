"""Near duplicates between the sets of an evaluation are found and said first."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import presight
from data.making import encoded, write
from presight.core.settings import Settings
from presight.data.duplicates import Duplicates
from presight.data.scenes import Scenes
from presight.errors import DataError
from presight.evaluation.protocol import Measurement
from presight.pretraining import overlap as module
from presight.pretraining.configuration import Configuration
from presight.pretraining.measure import Measured
from presight.store.folder import RunFolder
from tinyruns import copied


def labelled(folder: Path, seed: int, count: int = 16) -> Path:
    """Scenes as files of two classes."""
    source = Scenes(count, size=32, seed=seed)
    for number in range(count):
        write(folder / f"class{number % 2}" / f"{number}.png", encoded(source.decode(number)))
    return folder


def again(source: Path, target: Path) -> None:
    """The same picture in another file: larger and darker."""
    picture = np.asarray(Image.open(source).resize((50, 50))) * 0.8
    write(target, encoded(picture.astype(np.uint8)))


def measured(run: Path, train: Path, test: Path) -> Measured:
    return presight.evaluate(run, train, test=test, device="cpu", quiet=True, stages="none")


def test_test_images_that_were_learned_from_are_said_first(tmp_path: Path) -> None:
    train, test = labelled(tmp_path / "train", 1), labelled(tmp_path / "test", 2)
    for number in (0, 1):
        place = f"class{number % 2}/{number}.png"
        again(train / place, test / place)
    found = measured(copied(tmp_path / "run"), train, test)
    first = found.lines()[0]
    assert first.startswith("note: 2 of 16 test images are near duplicates of training images.")
    effect = re.search(r"Without them .+ reaches (.+) instead of (.+)\.$", first)
    assert effect is not None
    assert effect[1] != effect[2]
    told = json.loads((found.folder / "result.json").read_text())["protocol"]["duplicates"]
    assert told["train_test"]["near"] == 2
    assert set(told["without"]) >= {"pretrained/linear", "untrained/knn"}
    assert told["words"] == [first.removeprefix("note: ")]
    assert told["harmless"] == []


def test_what_changes_no_accuracy_is_no_alarm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two of 2,000 test images, one of them right: the accuracy stays; both of them right: not."""

    def gone(*_: object) -> None:
        raise DataError("gone")

    monkeypatch.setattr(module, "open_data", gone)
    config = Configuration.read(RunFolder(copied(tmp_path / "run")))
    rows, truth = torch.arange(2000), torch.zeros(2000, dtype=torch.long)
    split: Any = SimpleNamespace(test_rows=rows, test_labels=truth)
    twins = Duplicates(2000, 2000, (), tuple(range(10)), ())

    def told(of_knn: torch.Tensor) -> dict[str, Any]:
        answers = {("pretrained", "linear", 9, 0): rows % 2, ("untrained", "knn", 9, 0): of_knn}
        found = Measurement([], split, {}, twins, {}, answers, [])
        return module.overlap(config, found, config.settings, 32)

    fact = "10 of 2,000 test images are near duplicates of training images."
    same = told(rows % 2)
    assert same["words"] == []
    assert same["harmless"] == [f"{fact} Leaving them out changes no accuracy by 0.1 points."]
    other = told((rows >= 600).long())
    assert other["harmless"] == []
    assert other["words"] == [f"{fact} Without them untrained/knn reaches 29.6% instead of 30.0%."]


def test_sets_without_any_are_not_spoken_of(tmp_path: Path) -> None:
    train, test = labelled(tmp_path / "train", 1), labelled(tmp_path / "test", 2)
    found = measured(copied(tmp_path / "run"), train, test)
    assert not [line for line in found.lines() if "duplicates" in line]


def test_pretraining_images_are_opened_as_asked_under_the_limits_of_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Settings] = []

    def gone(_: str, settings: Settings) -> None:
        seen.append(settings)
        raise DataError("gone")

    monkeypatch.setattr(module, "open_data", gone)
    run, labels = copied(tmp_path / "run"), labelled(tmp_path / "labels", 1)
    asked = {"download": True, "follow_links": True, "quiet": True}
    own = Configuration.read(RunFolder(run)).settings
    assert not [name for name in asked if getattr(own, name)]
    odd = {"min_side": 9, "max_bad_fraction": 0.5}
    presight.evaluate(run, labels, device="cpu", stages="none", **asked, **odd)
    assert seen == [dataclasses.replace(own, **asked)]
