from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from data.labels.making import HEIGHT, WIDTH, coco, images, opened, told
from data.making import write
from presight.errors import DataError


def box(image: int, corners: list[Any], category: int = 3, **more: Any) -> dict[str, Any]:
    return {"image_id": image, "category_id": category, "bbox": corners, **more}


def test_boxes_are_left_top_width_height(tmp_path: Path) -> None:
    images(tmp_path, 2)
    rows = [box(11, [2, 3, 10, 5.5], 7, area=40), box(11, [1, 1, 4, 4], iscrowd=1)]
    source = opened(coco(tmp_path, rows), "detection")
    assert source.classes == ("a", "b")  # by id
    assert source.target(0).boxes.shape == (0, 4)  # listed without any: shows nothing
    target = source.target(1)
    assert target.boxes.tolist() == [[2, 3, 12, 8.5], [1, 1, 5, 5]]
    assert target.labels.tolist() == [1, 0]
    assert target.crowd.tolist() == [False, True]
    assert target.area.tolist() == [40, 16]
    assert told(source) == []


def test_what_is_wrong_is_named_by_number(tmp_path: Path) -> None:
    images(tmp_path, 4)
    rows: list[Any] = [
        box(10, [0, 0, 9, 9]),
        box(10, [0, 0, 9, 9]),
        box(10, [0, 0, 9]),
        box(10, [0, 0, "9", 9]),
        box(10, [5, 5, 0, 9]),
        box(10, [1, 1, 5, 5], category=99),
        box(99, [1, 1, 5, 5]),
        "text",
        box(20, [1, 1, 5, 5]),  # of an image that is not there: told with the image
        box(11, [90, 90, 5, 5]),
    ]
    listed = [
        {"id": 10, "file_name": "0.png", "height": HEIGHT, "width": WIDTH},
        {"id": 11, "file_name": "1.png"},
        {"id": 20, "file_name": "gone.png"},
        {"id": 21, "file_name": "0.png"},
        {"id": 10, "file_name": "3.png"},
        {"id": 22, "file_name": "2.png", "height": WIDTH, "width": HEIGHT},
        {"file_name": "3.png"},
    ]
    source = opened(coco(tmp_path, rows, images=listed), "detection")
    assert len(source) == 1
    assert source.target(0).boxes.tolist() == [[0, 0, 9, 9]]
    assert told(source) == [
        "labels.json, annotations[7]: entry that is no object: dropped",
        "labels.json, images[2]: label of an image that is not there: dropped",
        "labels.json, images[3]: image named again: dropped",
        "labels.json, images[4]: image named again: dropped",
        "labels.json, images[5]: labels of an image of another size: dropped",
        "labels.json, images[6]: image without id and file_name: dropped",
        "labels.json, annotations[1]: the same annotation again: dropped",
        "labels.json, annotations[5]: annotation of no listed category: dropped",
        "labels.json, annotations[6]: annotation of no listed image: dropped",
        "labels.json, annotations[2]: bbox that is not four numbers: dropped",
        "labels.json, annotations[3]: bbox that is not four numbers: dropped",
        "labels.json, annotations[4]: box without an area: dropped",
        "labels.json, annotations[9]: box outside the image: dropped",
        *(f"images/{n}.png: image without usable labels: left out" for n in (1, 2, 3)),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"images": [', "is damaged JSON: .*line 1"),
        ("[" * 100_000, "is damaged JSON"),
        ("\xff", "is damaged JSON"),
        ('[{"image_id": 1, "score": 0.5}]', "JSON of another kind: a list .*results"),
        ("3", "JSON of another kind: a int"),
        ('{"shapes": [], "version": "5"}', "an object with shapes, version. Expected COCO's"),
        ('{"images": {}, "annotations": [], "categories": []}', "of another kind"),
        ('{"images": [], "annotations": [], "categories": []}', "no categories"),
    ],
)
def test_damaged_files_and_other_kinds(tmp_path: Path, text: str, words: str) -> None:
    images(tmp_path)
    path = write(tmp_path / "labels.json", text.encode("latin-1"))
    with pytest.raises(DataError, match=words):
        opened(path, "detection")


def test_no_image_of_the_file_is_there(tmp_path: Path) -> None:
    images(tmp_path)
    listed = [{"id": 1, "file_name": "photo.jpg"}]
    path = coco(tmp_path, [box(1, [1, 1, 5, 5])], images=listed)
    with pytest.raises(DataError, match=r"begin with photo\.jpg, the images with images/0\.png"):
        opened(path, "detection")


def test_categories_of_one_name_are_one_class_and_markup_stays(tmp_path: Path) -> None:
    images(tmp_path)
    name = "<script>alert(1)</script>\x1b[31m"
    named = [{"id": 0, "name": name}, {"id": 1, "name": name}, {"id": 2, "name": "z"}, {"id": "x"}]
    path = coco(tmp_path, [box(10, [1, 1, 5, 5], 1), box(10, [1, 1, 9, 5], 2)], categories=named)
    source = opened(path, "detection")
    assert source.classes == (name, "z")
    assert source.target(0).labels.tolist() == [0, 1]
    assert "labels.json, categories[3]: category without id and name: dropped" in told(source)


POINTS = [{"id": 3, "name": "a", "keypoints": ["nose", "tail"]}]


def test_keypoints(tmp_path: Path) -> None:
    images(tmp_path, 2)
    rows = [
        box(10, [0, 0, 9, 9], keypoints=[1.5, 2, 2, 8, 9, 1], area=33),
        box(10, [0, 0, 8, 9], keypoints=[5, 5, 0, 7, 6, 2]),
        box(11, [0, 0, 9, 9], keypoints=[0, 0, 0, 0, 0, 0]),
        box(11, [0, 0, 7, 9], keypoints=[90, 3, 2, 4, 4, 2]),
        box(11, [0, 0, 6, 9], keypoints=[1, 2, 3]),
        box(11, [0, 0, 5, 9], keypoints=[1, 2, 1, 3, 4, 1], iscrowd=1),
    ]
    source = opened(coco(tmp_path, rows, categories=POINTS), "keypoints")
    first = source.target(0)
    assert first.names == ("nose", "tail")
    assert first.points.tolist() == [[[1.5, 2], [8, 9]], [[0, 0], [7, 6]]]
    assert first.visible.tolist() == [[True, True], [False, True]]
    assert first.area.tolist() == [33, 1]
    assert source.target(1).visible.tolist() == [[False, True]]
    assert told(source) == [
        "labels.json, annotations[2]: object without a visible keypoint: dropped",
        "labels.json, annotations[3]: keypoint outside the image: not visible",
        "labels.json, annotations[4]: keypoints that are not three numbers each: dropped",
        "labels.json, annotations[5]: crowd: left out",
    ]


def test_keypoints_need_one_kind_of_them(tmp_path: Path) -> None:
    images(tmp_path, 2)
    with pytest.raises(DataError, match="names 0 kinds of keypoints"):
        opened(coco(tmp_path, [box(10, [0, 0, 9, 9])]), "keypoints")
    two = [*POINTS, {"id": 4, "name": "b", "keypoints": ["wheel"]}]
    with pytest.raises(DataError, match="names 2 kinds of keypoints"):
        opened(coco(tmp_path, [box(10, [0, 0, 9, 9])], categories=two), "keypoints")


def test_numbers_of_any_size_and_not_a_number(tmp_path: Path) -> None:
    images(tmp_path, 1)
    path = coco(tmp_path, [box(10, [1, 1, 5, 5])], 1)
    whole = json.loads(path.read_text())
    whole["annotations"] += [box(10, [float("nan"), 1, 5, 5]), box(10, [10**400, 1, 5, 5])]
    path.write_text(json.dumps(whole))
    assert len(opened(path, "detection").target(0).boxes) == 1
