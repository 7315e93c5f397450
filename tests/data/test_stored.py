from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data.making import encoded, pixels, write
from presight.data.open import open_labelled, open_source
from presight.data.stored import Classified, Stored
from presight.errors import DataError


def opened(folder: Path) -> Stored:
    source = open_source(folder, workers=1)
    assert isinstance(source, Stored)
    return source


def images(folder: Path, count: int) -> None:
    for n in range(count):
        write(folder / f"{n}.png", encoded(pixels(20, 24, n), "PNG"))


def test_fingerprint_follows_content_and_names(tmp_path: Path) -> None:
    images(tmp_path, 3)
    first = opened(tmp_path).fingerprint
    assert opened(tmp_path).fingerprint == first
    write(tmp_path / "1.png", encoded(pixels(20, 24, 9), "PNG"))
    edited = opened(tmp_path).fingerprint
    (tmp_path / "2.png").rename(tmp_path / "3.png")
    renamed = opened(tmp_path).fingerprint
    assert len({first, edited, renamed}) == 3


def test_sizes_come_from_headers(tmp_path: Path) -> None:
    images(tmp_path, 2)
    source = opened(tmp_path)
    assert source.sizes.tolist() == [[20, 24], [20, 24]]
    assert np.array_equal(source.decode(0), pixels(20, 24, 0))
    assert min(source.reduced(0, 10).shape[:2]) == 10


def test_summary_counts_what_was_left_out(tmp_path: Path) -> None:
    images(tmp_path, 200)
    write(tmp_path / "bad.png", b"no image")
    write(tmp_path / "small.png", encoded(pixels(4, 4, 0), "PNG"))
    lines = opened(tmp_path).summary()
    assert any("1 of 202 unreadable (0.5 %)" in line for line in lines)
    assert any("--min-side" in line for line in lines)
    assert {row.path.rpartition("/")[2] for row in opened(tmp_path).skipped} == {
        "bad.png",
        "small.png",
    }


def test_too_much_that_is_unreadable_stops(tmp_path: Path) -> None:
    images(tmp_path, 9)
    write(tmp_path / "bad.png", b"no image")
    with pytest.raises(DataError, match="1 of 10 unreadable"):
        opened(tmp_path)


def test_classes_are_the_folders(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        images(tmp_path / name, 2)
    labelled = open_labelled(tmp_path, workers=1)
    assert isinstance(labelled, Classified)
    assert labelled.classes == ("cat", "dog")
    assert [labelled.target(i).label for i in range(4)] == [0, 0, 1, 1]
