from __future__ import annotations

from pathlib import Path

import pytest

from data.labels.making import images, opened, told
from data.making import write
from presight.errors import DataError


def table(root: Path, text: str) -> Path:
    return write(root / "points.csv", text.encode())


def test_pairs_of_columns_by_number_and_by_name(tmp_path: Path) -> None:
    images(tmp_path, 2)
    numbered = opened(table(tmp_path, "image,x0,y0,x1,y1\n0.png,1,2,11,7\n"), "keypoints")
    target = numbered.target(0)
    assert target.names == ("0", "1")
    assert target.points.tolist() == [[[1, 2], [11, 7]]]
    assert target.area.tolist() == [50]
    text = "path,nose_x,nose_y,tail_x,tail_y,note\n1.png,3.5,4,,,hello\n1.png,5,6,7,8,\n"
    named = opened(table(tmp_path, text), "keypoints").target(0)
    assert named.names == ("nose", "tail")
    assert named.points.tolist() == [[[3.5, 4], [0, 0]], [[5, 6], [7, 8]]]
    assert named.visible.tolist() == [[True, False], [True, True]]
    assert named.area.tolist() == [1, 4]


def test_what_is_wrong_is_named_by_line(tmp_path: Path) -> None:
    images(tmp_path, 3)
    lines = [
        "path,x0,y0,x1,y1",
        "0.png,1,2,99,4",
        "0.png,1,2,99,4",
        "1.png,-1,2,3,-4",
        "1.png,nan,2,,",
        "1.png,a,2,3,4",
        "9.png,1,2,3,4",
        "1.png,1,2",
        "0.png,inf,2,3,4",
    ]
    source = opened(table(tmp_path, "\n".join(lines)), "keypoints")
    assert told(source) == [
        "points.csv, line 2: keypoint outside the image: not visible",
        "points.csv, line 3: keypoint outside the image: not visible",
        "points.csv, line 3: the same keypoints again: dropped",
        "points.csv, line 4: 2 x keypoint outside the image: not visible",
        "points.csv, line 4: object without a visible keypoint: dropped",
        "points.csv, line 5: object without a visible keypoint: dropped",
        "points.csv, line 6: cell that is no number: dropped with its row",
        "points.csv, line 7: label of an image that is not there: dropped",
        "points.csv, line 8: row that is not as long as the header: dropped",
        "images/1.png: image without usable labels: left out",
        "images/2.png: image without usable labels: left out",
    ]
    assert source.target(0).visible.tolist() == [[True, False], [False, True]]


def test_no_columns_for_points_and_no_usable_row(tmp_path: Path) -> None:
    images(tmp_path, 1)
    with pytest.raises(
        DataError, match=r"no pairs of columns for points .columns: path, x0, label"
    ):
        opened(table(tmp_path, "path,x0,label\n0.png,1,2\n"), "keypoints")
    with pytest.raises(DataError, match="no column path or image or file"):
        opened(table(tmp_path, "x0,y0\n1,2\n"), "keypoints")
    with pytest.raises(DataError, match="no usable label"):
        opened(table(tmp_path, "path,x0,y0\n0.png,99,99\n"), "keypoints")


def test_a_table_beside_a_folder_of_its_name_is_of_that(tmp_path: Path) -> None:
    images(tmp_path, 1).rename(tmp_path / "points")
    images(tmp_path / "other", 1)
    source = opened(table(tmp_path, "path,x0,y0\n0.png,1,2\n"), "keypoints")
    assert (len(source), told(source)) == (1, [])
