from __future__ import annotations

import os
import socket
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import ExifTags, Image

from data.making import encoded, pixels
from presight.data import decode as module
from presight.data.decode import Limits, Unreadable, decode, fitted, inspect, read, shrink
from presight.data.source import Piece


def piece(data: bytes) -> Piece:
    return Piece("x", "x", data=data)


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds one row of nothing."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


TURNS = {
    1: lambda p: p,
    2: lambda p: p[:, ::-1],
    3: lambda p: p[::-1, ::-1],
    4: lambda p: p[::-1],
    5: lambda p: p.transpose(1, 0, 2),
    6: lambda p: np.rot90(p, -1),
    7: lambda p: np.rot90(p, 2).transpose(1, 0, 2),
    8: lambda p: np.rot90(p, 1),
}


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", sorted(TURNS))
def test_exif_orientation_is_applied(orientation: int, kind: str) -> None:
    stored = pixels(20, 30)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(stored, kind, exif=exif, **options)
    upright = TURNS[orientation](stored)
    np.testing.assert_array_equal(decode(data), upright)
    header = inspect(piece(data), Limits())
    assert (header.height, header.width) == upright.shape[:2]


def test_jpeg_orientation_is_applied_with_and_without_reduction() -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    plain = encoded(pixels(160, 320), "JPEG", quality=95)
    turned = encoded(pixels(160, 320), "JPEG", quality=95, exif=exif)
    np.testing.assert_array_equal(decode(turned), np.rot90(decode(plain), -1))
    np.testing.assert_array_equal(decode(turned, side=20), np.rot90(decode(plain, side=20), -1))


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bit_gray_is_scaled_not_clipped(kind: str) -> None:
    deep = np.random.default_rng(0).integers(0, 65536, (16, 16), dtype=np.uint16)
    expected = np.rint(deep / 257).astype(np.uint8)
    result = decode(encoded(Image.fromarray(deep), kind))
    np.testing.assert_array_equal(result, np.repeat(expected[..., None], 3, 2))


def test_transparency_is_laid_over_white() -> None:
    color, alpha = np.array([200, 40, 0]), 102
    rgba = np.tile(np.array([*color, alpha], np.uint8), (16, 16, 1))
    expected = np.rint(255 + (color - 255) * alpha / 255)
    assert np.abs(decode(encoded(rgba)).astype(float) - expected).max() <= 1
    la = Image.merge("LA", [Image.new("L", (16, 16), 40), Image.new("L", (16, 16), 0)])
    assert (decode(encoded(la)) == 255).all()


def test_palette_with_transparency_is_laid_over_white() -> None:
    image = Image.new("P", (16, 16), 1)
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.paste(0, (0, 0, 8, 16))
    result = decode(encoded(image, transparency=0))
    assert (result[:, :8] == 255).all()
    assert (result[:, 8:] == (40, 50, 60)).all()


def test_rgb_with_a_transparent_color_is_laid_over_white() -> None:
    image = np.zeros((16, 16, 3), np.uint8)
    image[:, 8:] = (9, 8, 7)
    result = decode(encoded(image, transparency=(0, 0, 0)))
    assert (result[:, :8] == 255).all()
    assert (result[:, 8:] == (9, 8, 7)).all()


@pytest.mark.parametrize("mode", ["CMYK", "L", "1", "P", "YCbCr"])
def test_other_modes_become_rgb(mode: str) -> None:
    image = Image.fromarray(pixels()).convert(mode)
    result = decode(encoded(image, "TIFF"))
    np.testing.assert_array_equal(result, np.asarray(image.convert("RGB")))


def test_cmyk_jpeg_has_three_channels() -> None:
    result = decode(encoded(Image.fromarray(pixels()).convert("CMYK"), "JPEG"))
    assert result.shape == (24, 32, 3)
    assert np.abs(result.astype(int) - pixels()).mean() < 6


@pytest.mark.parametrize("mode", ["F", "I"])
def test_values_without_a_range_are_refused(mode: str) -> None:
    data = encoded(Image.new(mode, (16, 16), 1), "TIFF")
    with pytest.raises(Unreadable, match="range of its values"):
        decode(data)
    with pytest.raises(Unreadable, match="range of its values"):
        inspect(piece(data), Limits())


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "TIFF"])
def test_first_of_several_frames_with_a_note(kind: str) -> None:
    frames = [Image.new("RGB", (16, 16), color) for color in ("red", "blue")]
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    np.testing.assert_array_equal(decode(data), np.asarray(frames[0]))
    assert inspect(piece(data), Limits()).note == "first of several frames"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "PPM"])
def test_truncated_files_are_refused_at_both_passes(kind: str) -> None:
    data = encoded(pixels(64, 64), kind)
    inspect(piece(data), Limits())
    cut = data[: len(data) // 2]
    with pytest.raises(Unreadable):
        inspect(piece(cut), Limits())
    with pytest.raises(Unreadable):
        decode(cut)


def test_a_jpeg_without_its_last_two_bytes_is_refused() -> None:
    cut = encoded(pixels(), "JPEG")[:-2]
    with pytest.raises(Unreadable, match="truncated"):
        inspect(piece(cut), Limits())
    with pytest.raises(Unreadable):
        decode(cut)


def test_truncated_is_taken_on_request_and_the_switch_goes_back() -> None:
    data = encoded(pixels(64, 64), "JPEG")
    limits = Limits(allow_truncated=True)
    cut = data[: len(data) * 3 // 4]
    inspect(piece(cut), limits)
    assert decode(cut, limits).shape == (64, 64, 3)
    with pytest.raises(Unreadable):
        decode(cut)


def flipped(data: bytes, place: int) -> bytes:
    """One bit the other way."""
    changed = bytearray(data)
    changed[place] ^= 1 << place % 8
    return bytes(changed)


def chunk_at(data: bytes, name: bytes) -> slice:
    """Where a PNG's chunk lies, with its length and checksum."""
    start = data.index(name) - 4
    return slice(start, start + 12 + int.from_bytes(data[start : start + 4]))


@pytest.mark.parametrize("exif", [False, True])
@pytest.mark.parametrize("level", [0, 6])
def test_a_png_with_one_flipped_bit_is_refused_at_both_passes(level: int, exif: bool) -> None:
    """Whether or not the decoder itself comes to see it."""
    options = {"exif": Image.Exif()} if exif else {}
    data = encoded(pixels(), compress_level=level, **options)
    at = chunk_at(data, b"IDAT")
    for place in range(at.start + 8, at.stop, 7):
        for action in (lambda d: inspect(piece(d), Limits()), decode):
            with pytest.raises(Unreadable, match="checksum in IDAT"):
                action(flipped(data, place))


@pytest.mark.parametrize("late", [False, True])
def test_a_damaged_png_is_taken_on_request(late: bool) -> None:
    """With its orientation, also where it stands behind the pixels."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    data = exif_behind(encoded(pixels(20, 30), exif=exif), late)
    limits = Limits(allow_truncated=True)
    bad = flipped(data, chunk_at(data, b"IDAT").stop - 3)
    header = inspect(piece(bad), limits)
    assert (header.height, header.width) == (30, 20)
    np.testing.assert_array_equal(decode(bad, limits), decode(data))
    cut = data[: chunk_at(data, b"IDAT").stop - 400]
    header = inspect(piece(cut), limits)
    assert (header.height, header.width) == decode(cut, limits).shape[:2]


def exif_behind(data: bytes, late: bool = True) -> bytes:
    """The PNG with its EXIF between the pixels and the end."""
    if not late:
        return data
    at = chunk_at(data, b"eXIf")
    rest = data[: at.start] + data[at.stop :]
    end = chunk_at(rest, b"IEND").start
    return rest[:end] + data[at] + rest[end:]


def test_exif_behind_the_pixels_of_a_png_counts() -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    data = exif_behind(encoded(pixels(20, 30), exif=exif))
    header = inspect(piece(data), Limits())
    assert (header.height, header.width) == (30, 20)
    np.testing.assert_array_equal(decode(data), np.rot90(pixels(20, 30), -1))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_the_first_pass_decodes_no_pixels(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = encoded(pixels(), kind)
    for place in (module.ImageFile.ImageFile, Image.Image):
        monkeypatch.setattr(place, "load", lambda *_: pytest.fail("it was decoded"))
    header = inspect(piece(data), Limits())
    assert (header.height, header.width) == (24, 32)


def test_orientation_in_xmp_alone_turns_header_and_pixels() -> None:
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r tiff:Orientation="6"/></x:xmpmeta>'
    data = encoded(pixels(20, 30), "JPEG", xmp=xmp)
    header = inspect(piece(data), Limits())
    assert (header.height, header.width) == decode(data).shape[:2] == (30, 20)


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff\xd8" + bytes(18), b"<html>no picture</html>", b"plain text", bytes(2000)],
    ids=["empty", "header", "html", "text", "zeros"],
)
def test_what_is_no_image_is_refused(data: bytes) -> None:
    with pytest.raises(Unreadable):
        inspect(piece(data), Limits())
    with pytest.raises(Unreadable):
        decode(data)


def test_formats_outside_the_list_are_refused() -> None:
    data = encoded(pixels(), "PCX")
    with pytest.raises(Unreadable, match="known format"):
        decode(data)


@pytest.mark.parametrize("side", [7_100, 10_000, 30_000])
def test_bombs_are_refused_before_decoding(side: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_load", lambda *_: pytest.fail("it was decoded"))
    with pytest.raises(Unreadable, match="pixels") as caught:
        decode(png_header(side, side))
    assert caught.value.kind == "large"


def test_long_strips_and_small_sides_are_refused_from_the_header() -> None:
    with pytest.raises(Unreadable, match="side ratio > 20"):
        decode(png_header(1000, 40))
    with pytest.raises(Unreadable, match="a side < 8 px") as caught:
        decode(png_header(7, 100))
    assert caught.value.kind == "small"
    assert decode(encoded(pixels(1, 1)), Limits(min_side=1)).shape == (1, 1, 3)


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    fifo, folder, link = tmp_path / "a.jpg", tmp_path / "b.jpg", tmp_path / "c.jpg"
    os.mkfifo(fifo)
    folder.mkdir()
    link.symlink_to("/dev/zero")
    for path in (fifo, folder, link):
        with pytest.raises(Unreadable, match="not a regular file"):
            read(Piece("x", str(path)))


def test_sockets_and_link_loops_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # the name of a socket is short
    loop = tmp_path / "loop.jpg"
    loop.symlink_to(loop)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s.jpg")
        for name in ("s.jpg", "loop.jpg", "nothing.jpg"):
            with pytest.raises(Unreadable):
                read(Piece("x", name))


def test_a_part_of_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "shard"
    path.write_bytes(b"before" + b"image" + b"after")
    assert read(Piece("x", str(path), start=6, length=5)) == b"image"


@pytest.mark.parametrize(
    ("height", "width", "side", "expected"),
    [
        (100, 200, 50, (50, 100)),
        (200, 100, 50, (100, 50)),
        (40, 60, 50, (40, 60)),
        (100, 133, 50, (50, 66)),
        (90, 70, 0, (90, 70)),
    ],
)
def test_short_side_shrinks_and_never_grows(
    height: int, width: int, side: int, expected: tuple[int, int]
) -> None:
    assert fitted(height, width, side) == expected


def test_shrinking_averages_areas() -> None:
    image = pixels(8, 8)
    expected = image.reshape(4, 2, 4, 2, 3).mean((1, 3))
    assert np.abs(shrink(image, 4, 4) - expected).max() <= 0.51


@pytest.mark.parametrize("quality", [75, 95])
def test_reduction_in_the_jpeg_decoder_differs_little(quality: int) -> None:
    """Mean difference to a full decode below 0.6/255, 99 % of the pixels within 3/255."""
    detail = np.random.default_rng(0).integers(-20, 20, (512, 640, 3))
    image = np.clip(pixels(512, 640) + detail, 0, 255).astype(np.uint8)
    data = encoded(image, "JPEG", quality=quality)
    reduced = decode(data, side=32)
    full = cv2.resize(decode(data), (40, 32), interpolation=cv2.INTER_AREA)
    difference = np.abs(reduced.astype(int) - full)
    assert difference.mean() < 0.6
    assert np.quantile(difference, 0.99) <= 3


def test_reduction_keeps_twice_the_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    load = module._load
    monkeypatch.setattr(module, "_load", lambda i, limits: (load(i, limits), seen.append(i.size)))
    data = encoded(pixels(512, 640), "JPEG")
    for side, short in ((32, 64), (33, 128), (128, 256), (129, 512), (500, 512)):
        decode(data, side=side)
        assert min(seen.pop()) == short, side
