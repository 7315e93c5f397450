"""Bytes to upright RGB uint8. The image rules, in one place.

| input | rule |
| --- | --- |
| EXIF orientation | applied |
| 16-bit gray | divided by 257 and rounded |
| alpha, palette with transparency | over white |
| CMYK, gray, palette, 1-bit | converted to RGB |
| float or 32-bit integers | refused, as their range is not stated, unless the limits stretch it |
| several frames or pages | the first, with a note |
| truncated, PNG with a wrong checksum | refused unless the limits allow it |
| too many pixels, too long, too small | refused from the header, before decoding |
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
import threading
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

import cv2
import numpy as np
from PIL import ExifTags, Image, ImageFile, ImageOps, UnidentifiedImageError

from presight.data.modes import rgb, stretched, unstated
from presight.data.source import Header, Piece, Pixels, Reason
from presight.errors import DataError

RULES = 2
"""Version of the rules: decoded pixels may differ between versions."""

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "PPM")
_WHOLE = 1 << 16  # files up to this size are hashed whole, longer ones at both ends
_MOST_BYTES = 1 << 29
_truncation = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What an image may be.

    Args:
        min_side: images with a shorter side are skipped, pixels.
        max_pixels: images with more pixels are skipped before they are decoded.
        max_ratio: images whose long side is more than this many short sides are skipped.
        allow_truncated: take images whose end is missing, and damaged PNGs as far as they go.
        float_range: take images of floats or 32-bit integers, from their least to their greatest
            value.
        seconds: time for one file.
    """

    min_side: int = 8
    max_pixels: int = 50_000_000
    max_ratio: float = 20.0
    allow_truncated: bool = False
    float_range: bool = False
    seconds: float = 20.0


class Unreadable(DataError):
    """An image that the rules refuse; `kind` says by which rule."""

    def __init__(self, reason: str, kind: Reason = "unreadable") -> None:
        super().__init__(reason)
        self.reason = reason
        self.kind = kind


def read(piece: Piece) -> bytes:
    """The bytes of an image. Only regular files are opened: a FIFO would block forever."""
    if piece.data is not None:
        return piece.data
    try:
        with open_regular(piece.path) as file:
            size = os.fstat(file.fileno()).st_size if piece.length < 0 else piece.length
            if size > _MOST_BYTES:
                raise Unreadable(f"{size:,} bytes, more than {_MOST_BYTES:,}", "large")
            file.seek(piece.start)
            return file.read(size)
    except OSError as error:
        raise Unreadable(error.strerror or str(error)) from error


def open_regular(path: str) -> BinaryIO:
    """Open a regular file for reading, and nothing else."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise Unreadable("not a regular file")
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    file = os.fdopen(os.open(path, flags), "rb")
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise Unreadable("not a regular file")
    return file


@contextmanager
def _opened(file: BinaryIO) -> Iterator[Image.Image]:
    """An image whose header is read; Pillow's errors become reasons, its bomb warning an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(file, formats=FORMATS) as image:
                yield image
        except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
            raise Unreadable("too many pixels", "large") from error
        except UnidentifiedImageError as error:
            raise Unreadable("not an image of a known format") from error
        except Unreadable:
            raise
        except MemoryError as error:
            raise Unreadable("does not fit into memory", "large") from error
        except Exception as error:  # decoders raise whatever damaged bytes lead them to
            raise Unreadable(f"damaged: {str(error) or type(error).__name__}"[:200]) from error


def _orientation(image: Image.Image) -> int:
    try:  # a PNG's own getexif decodes its pixels, and would hide here that they are damaged
        return int(Image.Image.getexif(image).get(ExifTags.Base.Orientation, 1))
    except Exception:  # a damaged EXIF block says nothing about orientation
        return 1


def _upright(image: Image.Image, data: bytes, limits: Limits) -> tuple[int, int]:
    """Height and width after rotation; Pillow swaps a TIFF's sides itself."""
    if image.format == "PNG" and (limits.allow_truncated or _late(data)):
        _load(image, limits)
    width, height = image.size
    turned = image.format != "TIFF" and _orientation(image) in (5, 6, 7, 8)
    return (width, height) if turned else (height, width)


def _obey(image: Image.Image, limits: Limits) -> None:
    """Refuse from the header what must not be decoded."""
    width, height = image.size
    short, long = min(width, height), max(width, height)
    if width * height > limits.max_pixels:
        raise Unreadable(f"more than {limits.max_pixels:,} pixels", "large")
    if short < max(limits.min_side, 1):
        raise Unreadable(f"a side < {limits.min_side} px", "small")
    if long > limits.max_ratio * short:
        raise Unreadable(f"a side ratio > {limits.max_ratio:g}", "large")
    if unstated(image) and not limits.float_range:
        reason = f"mode {image.mode}: the range of its values is not stated"
        raise Unreadable(f"{reason}; set --float-range to stretch it")


def inspect(piece: Piece, limits: Limits) -> Header:
    """What can be known of an image at little cost; raises Unreadable."""
    data = read(piece)
    with _opened(io.BytesIO(data)) as image:
        _obey(image, limits)
        kind = image.format or ""
        if not limits.allow_truncated:
            _check_whole(kind, data)
        height, width = _upright(image, data, limits)
        note = "first of several frames" if getattr(image, "is_animated", False) else ""
        mode = image.mode
        if kind not in ("JPEG", "MPO", "PNG", "GIF", "WEBP"):
            image.load()
    return Header(height, width, mode, kind, digest(data), note)


def _check_whole(kind: str, data: bytes) -> None:
    """Refuse a file whose end is missing, as far as its format marks the end, or a damaged PNG."""
    whole = True
    if kind in ("JPEG", "MPO"):
        whole = data.rfind(b"\xff\xd9", max(0, len(data) - _WHOLE)) >= 0
    elif kind == "PNG":
        _chunks(data)
    elif kind == "WEBP":
        whole = len(data) >= int.from_bytes(data[4:8], "little") + 8
    if not whole:
        raise Unreadable("truncated")


def _chunks(data: bytes) -> list[bytes]:
    """Names of a PNG's chunks to its end.

    The checksums of those that make pixels are compared, because a decoder that has all its rows
    stops before it sees that they are wrong.
    """
    names: list[bytes] = []
    view, place = memoryview(data), 8
    while b"IEND" not in names[-1:]:
        name = data[place + 4 : place + 8]
        end = place + 8 + int.from_bytes(data[place : place + 4])
        if end + 4 > len(data):
            raise Unreadable("truncated")
        needed = name[:1].isupper()
        if needed and zlib.crc32(view[place + 4 : end]) != int.from_bytes(data[end : end + 4]):
            raise Unreadable(f"damaged: a wrong checksum in {name.decode('ascii', 'replace')}")
        names.append(name)
        place = end + 4
    return names


def _late(data: bytes) -> bool:
    """Whether a PNG's pixels are followed by what may hold its orientation."""
    names = _chunks(data)
    behind = names[names.index(b"IDAT") :] if b"IDAT" in names else []
    return not {b"eXIf", b"tEXt", b"zTXt", b"iTXt"}.isdisjoint(behind)


def digest(data: bytes) -> str:
    """16 hex digits of the bytes: of all up to 64 kB, else of the size and of both ends."""
    hasher = hashlib.blake2b(len(data).to_bytes(8, "little"), digest_size=8)
    half = _WHOLE // 2
    for part in (data,) if len(data) <= _WHOLE else (data[:half], data[-half:]):
        hasher.update(part)
    return hasher.hexdigest()


def decode(data: bytes, limits: Limits | None = None, side: int = 0) -> Pixels:
    """Upright RGB of an encoded image.

    Args:
        data: the file's bytes.
        limits: what is refused.
        side: largest short side, pixels; larger images are reduced by area, smaller ones are
            left alone. 0 keeps the size.

    Returns:
        uint8 [h, w, 3].

    Raises:
        Unreadable: with the reason.
    """
    limits = limits or Limits()
    with as_stored(data, limits) as image:
        height, width = fitted(*_upright(image, data, limits), side)
        if image.format in ("JPEG", "MPO") and image.mode in ("RGB", "L"):
            _draft(image, min(height, width))
        _load(image, limits)
        upright = ImageOps.exif_transpose(image)
        pixels = np.array(stretched(upright) if unstated(image) else rgb(upright))
    return shrink(pixels, height, width)


@contextmanager
def as_stored(data: bytes, limits: Limits) -> Iterator[Image.Image]:
    """An encoded image that the rules allow, neither turned nor converted; raises Unreadable."""
    with _opened(io.BytesIO(data)) as image:
        _obey(image, limits)
        if not limits.allow_truncated:
            _check_whole(image.format or "", data)
        yield image


def _draft(image: Image.Image, short: int) -> None:
    """Let the JPEG decoder reduce by 2, 4 or 8 where at least twice the pixels stay."""
    scale = min(image.size) // (2 * short)
    if scale >= 2:
        power = min(8, 1 << (scale.bit_length() - 1))
        image.draft(image.mode, (image.size[0] // power, image.size[1] // power))


def _load(image: Image.Image, limits: Limits) -> None:
    if not limits.allow_truncated:
        image.load()
        return
    with _truncation:  # Pillow knows one switch for the whole process
        before = ImageFile.LOAD_TRUNCATED_IMAGES
        ImageFile.LOAD_TRUNCATED_IMAGES = True
        try:
            image.load()
        finally:
            ImageFile.LOAD_TRUNCATED_IMAGES = before


def fitted(height: int, width: int, side: int) -> tuple[int, int]:
    """Height and width with a short side of at most `side`, aspect kept; 0 changes nothing."""
    short = min(height, width)
    if side <= 0 or short <= side:
        return height, width
    return max(1, round(height * side / short)), max(1, round(width * side / short))


def shrink(pixels: Pixels, height: int, width: int) -> Pixels:
    """Pixels averaged by area to a smaller size."""
    if pixels.shape[:2] == (height, width):
        return pixels
    small = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)
