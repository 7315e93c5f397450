from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from presight.errors import RunError
from presight.evaluation.finetune import judged
from presight.studies import pictures
from presight.studies.cells import Row
from presight.studies.desk import Desk
from presight.studies.pictures import SHOWN, choose, write
from presight.studies.plan import Plan, World

SCENES = "scenes:24?size=16&factors=C"
TASKS = ("classification", "segmentation", "keypoints")


def test_failures_are_the_lowest_and_the_others_any() -> None:
    parts = np.linspace(1, 0, 200).astype(np.float32)
    chosen = choose(parts)
    lowest = [place for kind, place in chosen if kind == "lowest"]
    chance = [place for kind, place in chosen if kind == "random"]
    assert lowest == [199, 198, 197, 196]
    assert len(set(chance)) == SHOWN
    assert set(chance) != set(lowest)
    assert choose(parts) == chosen


def test_equal_parts_are_not_taken_in_the_order_of_files() -> None:
    lowest = [place for kind, place in choose(np.zeros(200, np.float32)) if kind == "lowest"]
    assert lowest != [0, 1, 2, 3]


def test_of_few_images_there_are_few() -> None:
    assert len(choose(np.zeros(3, np.float32))) == 6


@pytest.fixture(scope="module")
def studied(tmp_path_factory: pytest.TempPathFactory) -> tuple[Desk, list[Row]]:
    """A network that is not pretrained, measured with 12 labels on three tasks."""
    out = tmp_path_factory.mktemp("study")
    (out / "cells").mkdir()
    world = World("", SCENES, SCENES, "scenes:12?size=16&factors=C&split=test")
    plan = Plan(
        worlds=(world,), tasks=TASKS, methods=("none",), backbones=("resnet9:2",),
        label_counts="6,12", modes=("frozen",), seeds=1, image_size=16, updates=2, rates=(1e-3,),
        device="cpu",
    )  # fmt: skip
    desk = Desk(plan, out, quiet=True)
    return desk, [desk.measure(cell) for cell in desk.cells()]


def told(studied: tuple[Desk, list[Row]]) -> list[dict[str, Any]]:
    desk, rows = studied
    lines: list[str] = []
    found = write(desk, rows, lines.append)
    assert lines == []
    return found


def test_every_task_has_its_pictures(studied: tuple[Desk, list[Row]]) -> None:
    found = told(studied)
    folder = studied[0].out / "pictures"
    assert [one["task"] for one in found] == list(TASKS)
    for one in found:
        words = ["right answer", "answer"]
        if one["task"] == "segmentation":
            words = ["image", *words]
        assert len(one["images"]) == 2 * SHOWN
        for image in one["images"]:
            assert [word for word, _ in image["files"]] == words
            for _, name in image["files"]:
                with Image.open(folder / name) as picture:
                    assert picture.format == "JPEG"
                    assert max(picture.size) <= 360
        parts = [image["score"] for image in one["images"] if image["kind"] == "lowest"]
        assert parts == sorted(parts)
    names = {name for one in found for image in one["images"] for _, name in image["files"]}
    assert {path.name for path in folder.glob("*.jpg")} == names


def test_what_is_there_is_not_drawn_again(
    studied: tuple[Desk, list[Row]], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = told(studied)

    def never(*_: Any) -> Any:
        raise AssertionError("drawn again")

    monkeypatch.setattr(pictures, "_drawn", never)
    assert told(studied) == first


def test_a_lost_picture_is_drawn_again_and_a_stray_one_removed(
    studied: tuple[Desk, list[Row]],
) -> None:
    found = told(studied)
    folder = studied[0].out / "pictures"
    lost = folder / found[0]["images"][0]["files"][0][1]
    lost.unlink()
    (folder / "of-another-cell.jpg").write_bytes(b"")
    assert told(studied) == found
    assert lost.is_file()
    assert not (folder / "of-another-cell.jpg").exists()


def test_weights_that_are_gone_leave_a_note(
    studied: tuple[Desk, list[Row]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, rows = studied

    def gone(*_: Any) -> Any:
        raise RunError("its weights are gone.")

    monkeypatch.setattr(type(desk.arms), "network", gone)
    monkeypatch.setattr(desk, "out", tmp_path)
    lines: list[str] = []
    assert write(desk, rows, lines.append) == []
    assert lines[0] == "note: no pictures of classification: its weights are gone."


def test_the_model_is_the_one_that_was_measured(studied: tuple[Desk, list[Row]]) -> None:
    """Learned once more it gives the same answers, frozen by a probe and by gradient."""
    desk, rows = studied
    for task in TASKS:
        row = next(r for r in rows if r.cell.task == task and r.cell.arm.method == "none")
        bench = desk.bench(task, "")
        model = bench.again(row.cell, desk.arms.network(row.cell.arm, 0), row.details)
        split = bench.division
        found = judged(bench.tested, model, split.test.images, split.test_rows, size=16)
        scores = bench.tested.score(found, split.test_rows)
        assert {name: parts.mean() for name, parts in scores.items()} == pytest.approx(row.values)
