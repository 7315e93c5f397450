from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from data.labels.making import images, stored, told
from data.making import write
from presight.data.labels.annotated import Annotated, Names, label_files
from presight.data.labels.problems import Problem
from presight.data.source import Labelled
from presight.data.targets import ClassTarget
from presight.errors import DataError


def test_labelled_images_keep_their_pixels_and_others_are_told(tmp_path: Path) -> None:
    whole = stored(images(tmp_path, 4))
    part = Annotated(whole, {3, 1}, ClassTarget, task="x", classes=["a"],
                     problems=[Problem("f", "what", "dropped")])  # fmt: skip
    assert isinstance(part, Labelled)
    assert [part.identity(i) for i in range(len(part))] == ["1.png", "3.png"]
    assert [part.target(i).label for i in range(2)] == [1, 3]
    np.testing.assert_array_equal(part.decode(1), whole.decode(3))
    assert part.fingerprint != whole.fingerprint
    assert told(part) == [
        "f: what: dropped",
        "0.png: image without usable labels: left out",
        "2.png: image without usable labels: left out",
    ]
    assert "image without usable labels, left out: 2 (first: 0.png)" in part.summary()


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("a/x.png", 0),
        ("./a/x.png", 0),
        ("a\\x.png", 0),
        ("a/x.jpg", 0),
        ("y.png", 2),
        ("other/y.tif", 2),
        ("x.png", None),  # a/ or b/
        ("z.png", None),
        ("", None),
        ("u\u0308.png", 3),
    ],
)
def test_images_are_found_by_path_or_by_a_name_that_one_has(
    tmp_path: Path, name: str, row: int | None
) -> None:
    for path in ("a/x.png", "b/x.png", "b/y.png", "\u00fc.png"):
        write(tmp_path / path)
    assert Names(stored(tmp_path)).row(name) == row


def test_a_missing_name_says_whether_there_are_several(tmp_path: Path) -> None:
    for path in ("a/x.png", "b/x.png"):
        write(tmp_path / path)
    names = Names(stored(tmp_path))
    assert "that several images have" in names.missing("x.png", "p").what
    assert "that is not there" in names.missing("q.png", "p").what


def test_no_label_for_any_image_stops_with_both_sides_names(tmp_path: Path) -> None:
    names = Names(stored(images(tmp_path)))
    names.require([0], "labels.csv", "q.png", [])
    with pytest.raises(DataError) as caught:
        names.require([], "labels.csv", "q\x1b.png", [names.missing("q.png", "labels.csv, line 2")])
    text = str(caught.value)
    assert r"begin with q\x1b.png, the images with 0.png" in text
    assert "\n  labels.csv, line 2: label of an image that is not there: dropped" in text


def test_label_files_are_sorted_and_hidden_ones_left_out(tmp_path: Path) -> None:
    for name in ("b.XML", "a/c.xml", "._b.xml", "x.txt"):
        write(tmp_path / name, b"")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.xml")
    found = [path.relative_to(tmp_path).as_posix() for path in label_files(tmp_path, (".xml",))]
    assert found == ["a/c.xml", "b.XML"]
