from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data.labels.making import images, opened, told
from data.making import write
from presight.errors import DataError


def table(root: Path, *lines: str, header: str = "path,label") -> Path:
    return write(root / "labels.csv", "\n".join([header, *lines]).encode())


def test_labels_with_semicolons_between(tmp_path: Path) -> None:
    images(tmp_path, 3)
    source = opened(table(tmp_path, "0.png,dog; <i>cat</i>", "1.png,dog", "2.png,;"), "multilabel")
    assert source.classes == ("<i>cat</i>", "dog")
    shown = [source.target(i).present for i in range(3)]
    assert [one.tolist() for one in shown] == [[True, True], [False, True], [False, False]]
    assert shown[0].dtype == np.bool_
    assert told(source) == []


def test_what_is_wrong_is_named_by_line(tmp_path: Path) -> None:
    images(tmp_path, 3)
    lines = ["0.png,a;b;a", "0.png,b;a", "1.png,b", "2.png,", "9.png,a"]
    source = opened(table(tmp_path, *lines), "multilabel")
    assert told(source) == [
        "labels.csv, line 2: label named twice: taken once",
        "labels.csv, line 3: the same row again: dropped",
        "labels.csv, line 5: empty label: left out",
        "labels.csv, line 6: label of an image that is not there: dropped",
        "labels.csv, b: class that all images show: kept",
        "images/2.png: image without usable labels: left out",
    ]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["0.png,a", "0.png,b"], r"lines 2 and 3: different labels of 0\.png"),
        (["0.png,a", "1.png,a"], "nothing tells the images apart, all show a"),
        (["0.png,;", "1.png,;"], "all show no class at all"),
        (["0.png,"], "no usable label"),
    ],
)
def test_labels_that_cannot_be_used(tmp_path: Path, lines: list[str], words: str) -> None:
    images(tmp_path, 2)
    with pytest.raises(DataError, match=words):
        opened(table(tmp_path, *lines), "multilabel")


def test_another_header(tmp_path: Path) -> None:
    images(tmp_path, 2)
    with pytest.raises(DataError, match=r"no column label .columns: path, class"):
        opened(table(tmp_path, "0.png,a", header="path,class"), "multilabel")
