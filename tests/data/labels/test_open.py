from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from data.labels.making import coco, halves, images, opened, plane, voc
from data.making import write
from presight.data.labels import FORMS, Annotated, open_task
from presight.data.open import open_labelled
from presight.data.scenes import Scenes
from presight.data.scenes.tasks import TASKS
from presight.data.source import Labelled
from presight.data.targets import ClassTarget
from presight.errors import DataError, UsageError


def test_scenes_are_known_for_every_task() -> None:
    assert set(TASKS) == set(FORMS)
    for task in FORMS:
        source = open_task("scenes:40?size=64&factors=TCVLD&objects=4", task=task)
        assert isinstance(source, Labelled)
        assert (source.task, len(source)) == (task, 40)


def test_a_source_of_ones_own_must_be_of_the_task() -> None:
    boxes = open_task("scenes:4", task="detection")
    assert open_task(boxes, task="detection") is boxes
    with pytest.raises(UsageError, match="labelled for detection; depth was asked for"):
        open_task(boxes, task="depth")
    with pytest.raises(UsageError, match="labelled for detection; classification needs a class"):
        open_labelled(boxes)
    assert open_task(Scenes(4)).target(0) == Scenes(4).target(0)


def test_class_folders_are_classification(tmp_path: Path) -> None:
    for name in ("a/0.png", "b/1.png"):
        write(tmp_path / name)
    source = open_task(tmp_path, workers=1)
    assert [source.target(i) for i in range(2)] == [ClassTarget(0), ClassTarget(1)]


def test_the_form_is_seen_from_what_is_there(tmp_path: Path) -> None:
    box: dict[str, Any] = {"image_id": 10, "category_id": 3, "bbox": [1, 1, 5, 5]}
    for place in ("one/annotations", "two", "three"):
        images(tmp_path / place.split("/")[0], 2)
        (tmp_path / place).mkdir(parents=True, exist_ok=True)
    coco(tmp_path / "one/annotations", [box])
    coco(tmp_path / "two", [box])
    voc(tmp_path / "three", "0", [("a", (2, 2, 6, 6))])
    for spec in ("one", "one/annotations/labels.json", "two", "two/labels.json", "three",
                 "three/Annotations"):  # fmt: skip
        source = opened(tmp_path / spec, "detection")
        assert isinstance(source, Annotated)
        assert source.target(0).boxes.tolist() == [[1, 1, 6, 6]]
    beside = write(tmp_path / "flat/0.png")
    voc(tmp_path / "flat", "0", [("a", (2, 2, 6, 6))])
    (tmp_path / "flat/Annotations/0.xml").rename(beside.with_suffix(".xml"))
    (tmp_path / "flat/Annotations").rmdir()
    write(beside, (tmp_path / "two/images/0.png").read_bytes())
    assert len(opened(tmp_path / "flat", "detection")) == 1


def test_images_may_lie_elsewhere(tmp_path: Path) -> None:
    place = images(tmp_path / "far", 2)
    plane(tmp_path / "labels/0.png", halves(0, 1))
    for spec in (tmp_path / "labels", tmp_path):
        assert len(opened(spec, "segmentation", images=place)) == 1
    with pytest.raises(UsageError, match="scenes:4 are no image files"):
        opened(tmp_path, "segmentation", images="scenes:4")


@pytest.mark.parametrize("task", [task for task in FORMS if task != "classification"])
def test_other_forms_are_refused_with_those_that_are_known(tmp_path: Path, task: str) -> None:
    images(tmp_path)
    known = rf"Labels for {task} are .*scenes:COUNT"
    with pytest.raises(DataError, match=f"no form of labels for {task}. {known}"):
        opened(write(tmp_path / "labels.yaml", b"x"), task)
    with pytest.raises(DataError, match=f"holds no labels for {task}. {known}"):
        opened(Path(write(tmp_path / "empty/x.txt", b"x")).parent, task)
    with pytest.raises(DataError, match=rf"no nowhere here. {known}"):
        opened("nowhere", task)


def test_a_form_of_another_task_several_files_and_unknown_tasks(tmp_path: Path) -> None:
    images(tmp_path)
    with pytest.raises(DataError, match=r"points.csv is no form of labels for detection"):
        opened(write(tmp_path / "points.csv", b"path,x0,y0\n"), "detection")
    for name in ("train.json", "val.json"):
        write(tmp_path / name, b"{}")
    with pytest.raises(DataError, match=r"several \.json \(train.json, val.json\); name one"):
        opened(tmp_path, "keypoints")
    with pytest.raises(UsageError, match="no task 'detect'; known are classification, multilabel"):
        opened(tmp_path, "detect")


@pytest.mark.parametrize(
    ("spec", "task", "options"),
    [
        ("scenes:4", "detection", {"images": "photos"}),
        ("scenes:4", "depth", {"depth_scale": 0.1}),
        ("labels", "classification", {"images": "photos"}),
        ("labels", "detection", {"palette": "palette.csv"}),
        ("labels", "depth", {"ignore": [11]}),
        ("labels", "segmentation", {"depth_scale": 0.1}),
    ],
)
def test_an_option_without_an_effect_is_refused(
    spec: str, task: str, options: dict[str, Any]
) -> None:
    with pytest.raises(UsageError, match=f"{next(iter(options))} has no effect"):
        opened(spec, task, **options)
