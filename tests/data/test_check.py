from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data.making import encoded, pixels, write
from presight.data.check import check, suggested_size
from presight.data.scenes import Scenes
from presight.errors import DataError


def test_a_folder_of_everything(tmp_path: Path) -> None:
    for n, (height, width) in enumerate([(40, 60), (50, 50), (60, 40), (70, 90), (100, 80)]):
        write(tmp_path / f"{n}.png", encoded(pixels(height, width, n)))
    write(tmp_path / "same.png", encoded(pixels(40, 60, 0)))
    write(tmp_path / "gray.jpg", encoded(Image.fromarray(pixels(40, 60)).convert("L"), "JPEG"))
    frames = [Image.new("RGB", (40, 40), color) for color in ("red", "blue")]
    write(tmp_path / "two.gif", encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    write(tmp_path / "\x1bbad.jpg", b"<html>")
    write(tmp_path / "tiny.png", encoded(pixels(4, 4)))
    report = check(tmp_path, workers=1)
    assert report.count == 8
    assert report.formats == {"PNG": 6, "JPEG": 1, "GIF": 1}
    assert report.modes == {"RGB": 6, "L": 1, "P": 1}
    assert report.short_sides == (40, 40, 40, 50, 80)
    assert report.long_side == 100
    assert report.duplicates == (("0.png", "same.png"),)
    assert not report.gray
    assert report.image_size == 32
    text = "\n".join(report.lines())
    assert "8 images" in text
    assert "1 exact duplicates in 1 groups, such as 0.png = same.png" in text
    assert "1 images: first of several frames" in text
    assert r"skipped 1: not an image of a known format, such as \x1bbad.jpg" in text
    assert "skipped 1: a side < 8 px, such as tiny.png" in text
    assert "\x1b" not in text


def test_long_files_are_compared_as_a_whole(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    other = image.copy()
    other[100, 100] ^= 255
    for name, each in (("a", image), ("b", other), ("c", image)):
        write(tmp_path / f"{name}.bmp", encoded(each, "BMP"))
    assert check(tmp_path, workers=1).duplicates == (("a.bmp", "c.bmp"),)


def test_gray_pictures_in_color_files_are_noticed(tmp_path: Path) -> None:
    gray = Image.fromarray(pixels()).convert("L").convert("RGB")
    write(tmp_path / "a.png", encoded(gray))
    report = check(tmp_path, workers=1)
    assert report.gray
    assert "all images looked at are gray: color views change nothing" in report.lines()


def test_a_source_without_files() -> None:
    report = check(Scenes(30, size=64))
    assert (report.count, report.image_size, report.short_sides[2]) == (30, 64, 64)


@pytest.mark.parametrize(
    ("shorts", "expected"),
    [([20], 32), ([32], 32), ([63], 32), ([64], 64), ([400], 224), ([100, 300, 300, 300], 160)],
)
def test_suggested_size_is_the_largest_below_the_first_quartile(
    shorts: list[int], expected: int
) -> None:
    sizes = np.array([(short, 2 * short) for short in shorts])
    if len(shorts) > 1:
        expected = 224  # the quartile of 100, 300, 300, 300 is 250
    assert suggested_size(sizes) == expected


def test_nothing_usable(tmp_path: Path) -> None:
    write(tmp_path / "a.jpg", b"x")
    with pytest.raises(DataError, match="no usable image"):
        check(tmp_path, workers=1)
