from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data.labels.making import halves, images, plane, stored
from data.making import encoded, write
from presight.data.decode import Unreadable
from presight.data.labels.planes import paired, read_npy, read_png, scanned
from presight.data.labels.problems import Problem


def test_values_are_those_of_the_file(tmp_path: Path) -> None:
    indexed = read_png(plane(tmp_path / "a.png", halves(3, 1), range(12)))
    np.testing.assert_array_equal(indexed.values, halves(3, 1))
    assert indexed.palette is not None
    assert indexed.palette[3].tolist() == [9, 10, 11]
    wide = read_png(plane(tmp_path / "b.png", halves(60_000, 1, np.uint16)))
    assert int(wide.values.max()) == 60_000
    bits = Image.fromarray(halves(0, 255)).convert("1")
    assert read_png(write(tmp_path / "c.png", encoded(bits))).values[0, -1] == 1
    clear = np.dstack([halves(9, 8)] * 4)
    assert read_png(plane(tmp_path / "d.png", clear)).values.shape == (24, 32, 3)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (encoded(Image.fromarray(halves(1, 2)), "JPEG"), "JPEG instead of PNG"),
        (encoded(Image.fromarray(halves(1, 2)))[:-30], "truncated"),
        (b"<html>", "not an image"),
        (b"", "not an image"),
    ],
)
def test_files_that_are_no_pngs(tmp_path: Path, data: bytes, words: str) -> None:
    with pytest.raises(Unreadable, match=words):
        read_png(write(tmp_path / "a.png", data))


def test_arrays(tmp_path: Path) -> None:
    for name, array in (("f", halves(1, 2, np.float16)), ("g", halves(1, 2)[..., None])):
        np.save(tmp_path / name, array)
        assert read_npy(tmp_path / f"{name}.npy").values.shape == (24, 32)
    np.save(tmp_path / "o.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.save(tmp_path / "s.npy", np.array(["a"]))
    whole = (tmp_path / "f.npy").read_bytes()
    write(tmp_path / "t.npy", whole[:-9])
    write(tmp_path / "e.npy", b"")
    write(tmp_path / "h.npy", whole.replace(b"}  ", b"} ["))
    for name in "osteh":
        with pytest.raises(Unreadable, match=r"no readable array|no array of numbers"):
            read_npy(tmp_path / f"{name}.npy")


class _Code:
    """What a pickle would run."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.trace),)


def test_arrays_run_no_code(tmp_path: Path) -> None:
    path = write(tmp_path / "a.npy", pickle.dumps(_Code(tmp_path / "trace")))
    with pytest.raises(Unreadable, match="no readable array"):
        read_npy(path)
    assert not (tmp_path / "trace").exists()


def test_files_belong_to_images_and_refused_ones_are_told(tmp_path: Path) -> None:
    held, problems = stored(images(tmp_path)), list[Problem]()
    files = [tmp_path / "m" / name for name in ("0.png", "0.npy", "1.png", "8.png")]
    found = paired(files, tmp_path / "m", held, problems)
    assert {row: path.name for row, path in found.items()} == {0: "0.png", 1: "1.png"}
    assert [problem.place for problem in problems] == ["0.npy", "8.png"]
    done: list[tuple[int, int]] = []

    def examine(path: Path, side: tuple[int, int]) -> str:
        if path.name == "1.png":
            raise Unreadable("odd")
        return f"{path.name} {side}"

    seen = scanned(found, tmp_path, held, examine, problems, 2, lambda *both: done.append(both))
    assert seen == {0: "0.png (24, 32)"}
    assert str(problems[-1]) == "m/1.png: odd: dropped"
    assert done == [(1, 2), (2, 2)]
