from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data.making import encoded, pixels, write
from presight.cli.main import main
from presight.core import automatic
from presight.core.settings import Settings
from presight.data.check import check
from presight.data.decode import Limits
from presight.data.pack import source_sizes
from presight.data.scenes import Scenes
from presight.data.source import Source
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
    assert report.suggested["image_size"].value == 32
    text = "\n".join(report.lines())
    assert "8 images" in text
    assert "40 to 80 px (a quarter up to 40, half up to 40, three quarters up to 50)" in text
    assert "1 exact duplicates in 1 groups, such as 0.png = same.png" in text
    assert "1 images: first of several frames" in text
    assert r"skipped 1: not an image of a known format, such as \x1bbad.jpg" in text
    assert "skipped 1: a side < 8 px, such as tiny.png" in text
    assert "\x1b" not in text
    assert (
        "1 unreadable are too many: pretrain asks for their repair, or a larger --max-bad" in text
    )
    summary = report.summary
    assert summary["images"] == 8
    assert summary["short_side"]["50%"] == 40
    assert summary["duplicates"] == {"groups": 1, "extra": 1}
    assert summary["skipped"] == {"not an image of a known format": 1, "a side < 8 px": 1}
    assert summary["unreadable"] == 1


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
    assert "too many" not in "\n".join(report.lines())
    assert "all images looked at are gray: color views change nothing" in report.lines()


def test_a_source_without_files() -> None:
    report = check(Scenes(30, size=64))
    assert (report.count, report.short_sides[2]) == (30, 64)
    assert "short side: 64 px; longest side 64 px" in report.lines()


@pytest.mark.parametrize("accelerator", [False, True])
@pytest.mark.parametrize("side", [16, 32, 100, 300])
def test_what_is_suggested_is_what_pretrain_takes(side: int, accelerator: bool) -> None:
    report = check(Scenes(6, size=side), accelerator=accelerator)
    size = automatic.image_size([side] * 6, accelerator)
    assert report.suggested["image_size"] == size
    assert report.suggested["backbone"] == automatic.backbone(accelerator)
    length = automatic.epochs(6) if accelerator else automatic.minutes()
    name = "epochs" if accelerator else "minutes"
    assert list(report.suggested) == ["image_size", "backbone", name]
    assert report.suggested[name].value == length.value
    assert f"suggested --image-size {size.why}" in report.lines()
    assert f"suggested --{name} {length.value:g}:" in "\n".join(report.lines())


def run(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, object]:
    """The record of one check; one child process, and no accelerator, on every machine."""
    assert main(["check", *words, "--workers", "1", "--device", "cpu", "--json"]) == 0
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def test_the_command_heeds_pretrains_options(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "photos"
    write(folder / "large.png", encoded(pixels(80, 90)))
    write(folder / "small.png", encoded(pixels(20, 20)))
    write(folder / "cut.png", encoded(pixels(40, 40))[:-20])
    write(tmp_path / "elsewhere.png", encoded(pixels(30, 30)))
    (folder / "link.png").symlink_to(tmp_path / "elsewhere.png")
    usual = run(capsys, str(folder))
    assert usual["images"] == 2
    assert usual["suggested"] == {"image_size": 16, "backbone": "resnet9:16", "minutes": 30.0}
    assert usual["skipped"] == {"truncated": 1, "a link that leaves the folder": 1}
    for words, count in (
        (["--min-side", "21"], 1),
        (["--max-pixels", "7199"], 1),
        (["--allow-truncated"], 3),
        (["--follow-links"], 3),
    ):
        assert run(capsys, str(folder), *words)["images"] == count, words
    assert Settings.min_side == Limits().min_side
    assert Settings.max_pixels == Limits().max_pixels


def test_nothing_usable(tmp_path: Path) -> None:
    write(tmp_path / "a.jpg", b"x")
    with pytest.raises(DataError, match="no usable image"):
        check(tmp_path, workers=1)


def test_near_duplicates_inside_a_folder_are_named(tmp_path: Path) -> None:
    scenes = Scenes(6, size=64, seed=0)
    for i in range(6):
        write(tmp_path / f"{i}.png", encoded(Image.fromarray(scenes.decode(i))))
    small = Image.fromarray(scenes.decode(2)).resize((48, 48))
    write(tmp_path / "small\x1b.jpg", encoded(small, "JPEG"))
    report = check(tmp_path, workers=1)
    assert report.near is not None
    assert report.near.near == (2, 6)
    assert set(report.example) == {"2.png", "small\x1b.jpg"}
    text = "\n".join(report.lines())
    assert "2 of 7 images compared are near duplicates of others, such as 2.png" in text
    assert "\x1b" not in text
    assert report.summary["near_duplicates"]["near"] == 2
    assert check(scenes).near is None


def test_of_many_images_runs_are_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("presight.data.check._LOOKED", 4)
    monkeypatch.setattr("presight.data.check._RUN", 2)
    for i in range(8):
        write(tmp_path / f"{i}.png", encoded(pixels(40, 40, i)))
    few = check(tmp_path, workers=1).near
    assert few is not None
    assert few.looked == 4
    monkeypatch.setattr("presight.data.check._PIXELS", 4 * 1600.0)
    monkeypatch.setattr("presight.data.check._LOOKED", 100)
    few = check(tmp_path, workers=1).near
    assert few is not None
    assert few.looked == 4


def test_files_that_vanish_do_not_stop_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for i in range(4):
        write(tmp_path / f"{i}.png", encoded(pixels(40, 40, i)))

    def vanishing(source: Source) -> object:
        for path in tmp_path.glob("*.png"):
            path.unlink()
        return source_sizes(source)

    monkeypatch.setattr("presight.data.check.source_sizes", vanishing)
    report = check(tmp_path, workers=1)
    assert report.count == 4
    assert report.near is None
    assert report.summary["near_duplicates"] is None
