from __future__ import annotations

from pathlib import Path

import pytest

from data.labels.making import images, opened, told, voc
from data.making import write
from presight.errors import DataError


def test_one_is_subtracted_from_the_first_corner_only(tmp_path: Path) -> None:
    images(tmp_path, 2)
    voc(tmp_path, "0", [("cat", (1, 1, 32, 24)), ("ant", (5, 6, 10, 12))])
    voc(tmp_path, "1", [("cat", (2, 3, 4, 5))], extra="<difficult>1</difficult>")
    source = opened(tmp_path, "detection")
    assert source.classes == ("ant", "cat")
    assert source.target(0).boxes.tolist() == [[0, 0, 32, 24], [4, 5, 10, 12]]
    assert source.target(0).labels.tolist() == [1, 0]
    assert source.target(1).crowd.tolist() == [True]
    assert source.target(0).area.tolist() == [32 * 24, 6 * 7]
    assert told(source) == []


def test_one_class_and_images_that_show_nothing_are_kept(tmp_path: Path) -> None:
    images(tmp_path, 2)
    voc(tmp_path, "0", [("cat", (1, 1, 9, 9))])
    voc(tmp_path, "1", [])
    source = opened(tmp_path, "detection")
    assert (len(source), source.classes) == (2, ("cat",))
    assert source.target(1).boxes.shape == (0, 4)


def test_what_is_wrong_is_named_by_file_and_object(tmp_path: Path) -> None:
    images(tmp_path, 6)
    voc(tmp_path, "0", [("cat", (1, 1, 9, 9)), ("", (1, 1, 5, 5)), ("cat", (20, 5, 99, 9)),
                        ("cat", (1, 1, 9, 9)), ("cat", ("x", 1, 9, 9))])  # fmt: skip
    voc(tmp_path, "1", [("cat", (50, 50, 60, 60))])  # no box is left: not an image of nothing
    voc(tmp_path, "9", [("cat", (1, 1, 9, 9))])
    write(tmp_path / "Annotations/2.xml", b"<annotation><object>")
    write(tmp_path / "Annotations/3.xml", b"<html/>")
    write(tmp_path / "Annotations/4.xml", b'<!DOCTYPE a [<!ENTITY b "c">]><annotation/>')
    small = "<annotation><size><width>9</width><height>9</height></size></annotation>"
    write(tmp_path / "Annotations/5.xml", small.encode())
    source = opened(tmp_path, "detection")
    assert len(source) == 1
    assert source.target(0).boxes.tolist() == [[0, 0, 9, 9], [19, 4, 32, 9]]
    text = "\n".join(told(source))
    for words in (
        "0.xml, object 2: object without a name: dropped",
        "0.xml, object 3: box over the image's edge: cut",
        "0.xml, object 4: the same box again: dropped",
        "0.xml, object 5: box with a number that is not finite: dropped",
        "1.xml, object 1: box outside the image: dropped",
        "2.xml: no readable XML (",
        "3.xml: XML without <annotation>, so not VOC's: dropped",
        "4.xml: no readable XML (it declares a document type): dropped",
        "5.xml: labels of an image of another size: dropped",
        "9.xml: label of an image that is not there: dropped",
        "1.png: image without usable labels: left out",
    ):
        assert words in text
    assert len(told(source)) == 10 + 5


def test_the_second_file_of_an_image_is_dropped(tmp_path: Path) -> None:
    images(tmp_path, 1)
    voc(tmp_path, "0", [("cat", (1, 1, 9, 9))])
    voc(tmp_path / "Annotations", "0", [("dog", (1, 1, 9, 9))])
    source = opened(tmp_path, "detection")
    assert told(source) == ["Annotations/0.xml: second file of one image: dropped"]


def test_no_box_at_all_stops(tmp_path: Path) -> None:
    images(tmp_path, 1)
    voc(tmp_path, "0", [])
    with pytest.raises(DataError, match="no usable label for any of the 1 images"):
        opened(tmp_path, "detection")


def test_names_full_of_markup_stay_as_they_are(tmp_path: Path) -> None:
    images(tmp_path, 1)
    voc(tmp_path, "0", [("&lt;b&gt;{{cat}}&lt;/b&gt; [red]", (1, 1, 9, 9))])
    assert opened(tmp_path, "detection").classes == ("<b>{{cat}}</b> [red]",)


def test_a_list_of_images_means_those(tmp_path: Path) -> None:
    images(tmp_path, 3).rename(tmp_path / "JPEGImages")
    for n in range(3):
        voc(tmp_path, str(n), [("cat", (1, 1, 9 + n, 9))])
    listed = write(tmp_path / "ImageSets/Main/val.txt", b"2\n0 -1\n9\n")
    source = opened(listed, "detection")
    assert [source.identity(i) for i in range(2)] == ["0.png", "2.png"]
    assert source.target(1).boxes[0, 2] == 11
    assert told(source) == ["val.txt, entry 3: label of an image that is not there: dropped"]
    write(listed, b"7\n")
    with pytest.raises(DataError, match=r"none of the images that val\.txt names"):
        opened(listed, "detection")
