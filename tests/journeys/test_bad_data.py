"""Bad images, each row as the user meets it: exit code, the words that matter, and what is kept.

Here are folders without images, few images, damaged files, files that only decoding
finds damaged, images that are too small, gray sets, decoders that are killed.
"""

from __future__ import annotations

import csv
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from commands import OUT, SIZES, give, photos, pretrain, refused, told
from data.making import encoded, pixels, write
from presight.data import pool

pytestmark = pytest.mark.usefixtures("place")


def count() -> int:
    """Images that the run learned from."""
    return int(told("data.json")["spec"]["n_samples"])


def skipped() -> dict[str, str]:
    """The rows of skipped.csv."""
    with open(Path(OUT, "skipped.csv"), newline="") as file:
        return {row["path"]: row["reason"] for row in csv.DictReader(file)}


def test_a_folder_of_other_files(place: Path) -> None:
    for name in ("a.heic", "b.HEIC", "deep/c.heic", "d.zip", "notes"):
        write(place / "photos" / name, b"x")
    said = pretrain("photos/")
    looked = "no images under photos/ (looked for .jpg .jpeg .png .webp .bmp .gif .tif .tiff .ppm"
    found = "Found instead: 3 .heic, 1 .zip, 1 without extension."
    refused(said, 3, looked, "any case, any depth)", found, "HEIC: ", "unpack first")
    assert not Path(OUT).exists()


@pytest.mark.parametrize("verb", ["pretrain", "check"])
def test_places_that_hold_nothing(verb: str, place: Path) -> None:
    (place / "photos").mkdir()
    refused(give(verb, "photos"), 3, "no images under photos/")
    refused(give(verb, "phtos"), 3, "no phtos here. Data is a folder, a .csv of paths")
    refused(give(verb, "hf:beans"), 2, "hf: is no form of data that is known")
    assert [path.name for path in place.iterdir()] == ["photos"]


def test_few_images_are_enough_with_a_warning() -> None:
    said = give("pretrain", photos("photos", 37), "--out", OUT, *SIZES, "--epochs", 1)
    assert said.code == 0
    assert (
        "note: only 37 images: training runs, but batch statistics and negatives are meaningless "
        "below ~200; batch set to 16." in said.err
    )


def test_a_damaged_file_among_many_is_passed_over_and_listed() -> None:
    folder = photos("photos", 119)
    write(folder / "deep" / "\x1bpage.jpg", b"<html>")
    said = pretrain(folder, "--batch-size", 32)
    assert said.code == 0
    assert "1 of 120 unreadable (0.83 %)" in said.err
    assert f"1 left out, listed in {OUT}/skipped.csv" in said.err
    assert "\x1b" not in said.err
    assert skipped() == {"deep/\\x1bpage.jpg": "not an image of a known format"}
    assert count() == 119


def test_more_than_one_in_a_hundred_stops_unless_it_is_allowed() -> None:
    folder = photos("photos", 15)
    write(folder / "cut.png", encoded(pixels())[:-20])
    said = pretrain(folder)
    words = ("1 of 16 unreadable (6.2 %) under photos/", "--max-bad-fraction 0.01", "Repair")
    refused(said, 3, *words, "cut.png: truncated")
    assert not Path(OUT).exists()
    assert pretrain(folder, "--max-bad-fraction", 0.1).code == 0
    assert skipped() == {"cut.png": "truncated"}


def test_what_only_decoding_finds_damaged_is_listed_too() -> None:
    """Every chunk is whole, half of the pixels are missing: the next image stands in."""
    folder = photos("photos")
    for number in (3, 4):
        data = encoded(pixels(18, 20, number))
        start = data.index(b"IDAT")
        (length,) = struct.unpack(">I", data[start - 4 : start])
        chunk = data[start : start + 4 + length // 2]
        whole = struct.pack(">I", length // 2) + chunk + struct.pack(">I", zlib.crc32(chunk))
        end = data[data.index(b"IEND") - 4 :]
        write(folder / f"{number:03}.png", data[: start - 4] + whole + end)
    said = pretrain(folder)
    refused(said, 3, "2 of 16 unreadable (12 %)", "damaged", "--max-bad-fraction")
    said = pretrain(folder, "--max-bad-fraction", 0.2)
    assert said.code == 0
    assert "2 left out, listed in run/skipped.csv" in said.err
    assert skipped() == dict.fromkeys(("003.png", "004.png"), "damaged: the next image stands in")
    assert count() == 16


def test_small_images_are_skipped_unless_they_are_asked_for() -> None:
    folder = photos("photos")
    write(folder / "a.png", encoded(pixels(6, 20)))
    write(folder / "b.png", encoded(pixels(20, 7)))
    said = pretrain(folder)
    assert said.code == 0
    assert "2 images have a side < 8 px: skipped; set --min-side to keep" in said.err
    assert count() == 16
    assert pretrain(folder, "--min-side", 6, "--overwrite").code == 0
    assert count() == 18
    assert not Path(OUT, "skipped.csv").exists()


def test_gray_sets_are_said(place: Path) -> None:
    for number in range(16):
        gray = Image.fromarray(pixels(18, 20, number)).convert("L")
        write(place / "photos" / f"{number}.png", encoded(gray))
    said = give("check", "photos")
    assert said.code == 0
    assert "all images looked at are gray" in said.out
    assert pretrain("photos").code == 0


def test_a_decoder_that_is_killed_costs_one_image(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the system does where memory runs out; it is told with what to try."""
    killing = (
        "import os, presight.data.worker as w; kept = w.inspect;"
        "die = lambda: os.kill(os.getpid(), 9);"
        "w.inspect = lambda p, l: die() if p.path.endswith('kill.png') else kept(p, l);"
    )
    start = pool._START.replace("from presight", f"{killing} from presight", 1)
    monkeypatch.setattr(pool, "_START", start)
    monkeypatch.setattr(pool, "_pools", {})
    folder = photos("photos", 15)
    write(folder / "kill.png")
    try:
        said = pretrain(folder)
        words = "kill.png: the decoder was killed (signal 9), usually for memory"
        refused(said, 3, "1 of 16 unreadable", words, "try fewer --workers")
        assert pretrain(folder, "--max-bad-fraction", 0.1).code == 0
        assert list(skipped()) == ["kill.png"]
    finally:
        for made in pool._pools.values():
            made.close()
