from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from data.making import encoded, pixels, tar, write
from presight.data.decode import Limits
from presight.data.open import open_labelled, open_source
from presight.data.scenes import Scenes
from presight.data.source import Labelled, Source
from presight.data.stored import Stored
from presight.errors import DataError, UsageError


def opened(spec: object, **options: object) -> Stored:
    source = open_source(spec, workers=1, **options)  # type: ignore[arg-type]
    assert isinstance(source, Stored)
    return source


def classes_of(source: Labelled) -> list[str]:
    return [source.classes[source.target(i).label] for i in range(len(source))]


def test_folder_table_and_shards_give_the_same_images(tmp_path: Path) -> None:
    data = {f"{kind}/{n}.png": encoded(pixels(seed=n)) for n, kind in enumerate("abba")}
    for name, each in data.items():
        write(tmp_path / "f" / name, each)
    with open(tmp_path / "f/list.csv", "w", newline="") as file:
        csv.writer(file).writerows([("path", "label"), *((name, name[0]) for name in data)])
    tar(tmp_path / "s.tar", data)
    tar(tmp_path / "s.tar.gz", data, "w:gz")
    for spec in ("f", "f/list.csv", "s.tar", "s.tar.gz"):
        labelled = open_labelled(tmp_path / spec, workers=1)
        plain = opened(str(tmp_path / spec))
        assert isinstance(labelled, Source)
        assert labelled.classes == ("a", "b")
        names = [labelled.identity(i) for i in range(4)]
        assert sorted(names) == sorted(data)
        assert classes_of(labelled) == [name[0] for name in names]
        for i, name in enumerate(names):
            np.testing.assert_array_equal(plain.decode(i), pixels(seed=int(name[2])))
        assert plain.sizes.tolist() == [[24, 32]] * 4
        assert plain.fingerprint == labelled.fingerprint


def test_the_fingerprint_follows_content_and_order_only(tmp_path: Path) -> None:
    for root in ("one", "two"):
        for n in range(3):
            write(tmp_path / root / f"{n}.png", seed=n)
    first = opened(tmp_path / "one").fingerprint
    write(tmp_path / "two/notes.txt", b"x")
    (tmp_path / "two/0.png").touch()
    assert opened(tmp_path / "two").fingerprint == first
    write(tmp_path / "two/1.png", seed=9)
    edited = opened(tmp_path / "two").fingerprint
    (tmp_path / "one/2.png").rename(tmp_path / "one/3.png")
    renamed = opened(tmp_path / "one").fingerprint
    assert len({first, edited, renamed}) == 3


def test_scenes_and_sources_of_ones_own() -> None:
    scenes = open_source("scenes:30?size=16&seed=2")
    assert (len(scenes), scenes.decode(0).shape) == (30, (16, 16, 3))
    own = Scenes(5)
    assert open_source(own) is own
    assert open_labelled(own) is own


def test_skipped_files_are_listed_and_small_shares_pass(tmp_path: Path) -> None:
    for n in range(8):
        write(tmp_path / f"{n}.png")
    write(tmp_path / "bad.jpg", b"<html>")
    for n in range(2):
        write(tmp_path / f"small{n}.png", encoded(pixels(20, 20)))
    limits = Limits(min_side=24)
    source = opened(tmp_path, limits=limits, max_bad_fraction=0.2)
    assert len(source) == 8
    assert [row.path for row in source.skipped] == ["bad.jpg", "small0.png", "small1.png"]
    assert source.summary() == [
        "1 of 11 unreadable (9.1 %)",
        "2 images have a side < 24 px: skipped; set --min-side to keep",
    ]


def test_large_shares_stop_with_examples(tmp_path: Path) -> None:
    for n in range(8):
        write(tmp_path / f"{n}.png")
    write(tmp_path / "\x1b[31mred.jpg", b"<html>")
    with pytest.raises(DataError) as caught:
        opened(tmp_path)
    text = str(caught.value)
    assert "1 of 9 unreadable (11 %)" in text
    assert "--max-bad-fraction 0.01" in text
    assert r"\x1b[31mred.jpg: not an image of a known format" in text
    assert "\x1b" not in text


def test_nothing_usable_says_why(tmp_path: Path) -> None:
    write(tmp_path / "a.png", encoded(pixels(5, 5)))
    with pytest.raises(DataError, match=r"no usable image among 1 .* a side < 8 px: skipped; set"):
        opened(tmp_path)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("nowhere", "no nowhere here. Data is a folder"),
        ("no/where.tar", "no shard no/where.tar"),
        ("a\x1bb", r"no a\\x1bb here"),
    ],
)
def test_places_that_are_not_there(spec: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        open_source(spec)


def test_other_files_are_refused_with_advice(tmp_path: Path) -> None:
    path = write(tmp_path / "photos.zip", b"x")
    with pytest.raises(DataError, match=r"no form of data .*unpack first"):
        open_source(path)


@pytest.mark.parametrize("spec", ["https://a/b.tar", "s3://a", "hf:a"])
def test_remote_places_are_refused(spec: str) -> None:
    with pytest.raises(UsageError, match="no form of data that is known"):
        open_source(spec)


def test_labels_need_two_classes(tmp_path: Path) -> None:
    write(tmp_path / "only/a.png")
    with pytest.raises(DataError, match="one class only, only"):
        open_labelled(tmp_path, workers=1)


def test_a_table_may_label_some_of_its_images(tmp_path: Path) -> None:
    """The others are left out and counted; without labels all of them are images."""
    lines = ["path,label"]
    for n in range(6):
        write(tmp_path / f"{n}.png", encoded(pixels(seed=n)))
        lines.append(f"{n}.png,{('cat', '', 'dog')[n % 3]}")
    write(tmp_path / "list.csv", "\n".join(lines).encode())
    source = open_labelled(tmp_path / "list.csv", workers=1)
    assert isinstance(source, Stored)
    assert classes_of(source) == ["cat", "dog", "cat", "dog"]
    assert [source.identity(i) for i in range(4)] == ["0.png", "2.png", "3.png", "5.png"]
    assert source.summary() == ["2 images have no label: skipped; 4 of 6 are used"]
    assert len(opened(tmp_path / "list.csv")) == 6


def test_a_table_that_names_files_that_are_not_there(tmp_path: Path) -> None:
    for n in range(4):
        write(tmp_path / f"{n}.png", encoded(pixels(seed=n)))
    rows = "".join(f"{n}.png,{'ab'[n % 2]}\n" for n in range(5))
    write(tmp_path / "list.csv", f"path,label\n{rows}".encode())
    with pytest.raises(DataError, match=r"1 of 5 unreadable(.|\n)*4\.png: "):
        open_labelled(tmp_path / "list.csv", workers=1)
    source = open_labelled(tmp_path / "list.csv", workers=1, max_bad_fraction=0.5)
    assert classes_of(source) == ["a", "b", "a", "b"]
