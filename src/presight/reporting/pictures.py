"""Pictures of a run, made small enough to stand inside the page."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

_MOST_BYTES = 400_000
_MOST_PIXELS = 40_000_000
_WIDEST = 1472  # twice the page's column
_TOGETHER = 2_000_000


def as_data(path: Path) -> str:
    """A PNG file as a data: address; a large one as a JPEG of the column's width.

    Raises:
        ValueError: it is no PNG, or too large to open.
    """
    with open(path, "rb") as file:
        raw = file.read(64 << 20)
    try:
        with Image.open(io.BytesIO(raw), formats=("PNG",)) as picture:
            if picture.width * picture.height > _MOST_PIXELS:
                raise ValueError(f"it has {picture.width} x {picture.height} pixels")
            picture.load()
            if len(raw) <= _MOST_BYTES:
                return _address("png", raw)
            small = picture.convert("RGB")
    except (OSError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ValueError("it is no readable PNG") from None
    small.thumbnail((_WIDEST, _WIDEST))
    held = io.BytesIO()
    small.save(held, "JPEG", quality=80)
    return _address("jpeg", held.getvalue())


def _address(kind: str, raw: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(raw).decode()}"


def embedded(paths: Sequence[Path], remarks: list[str]) -> list[tuple[str, str]]:
    """Names and addresses of the pictures that fit; the others become remarks."""
    found: list[tuple[str, str]] = []
    for path in paths:
        try:
            address = as_data(path)
        except (OSError, ValueError) as error:
            remarks.append(f"{path.name} is not shown: {error}")
            continue
        if sum(len(one) for _, one in found) + len(address) > _TOGETHER:
            remarks.append(f"{path.name} is not shown: the page would become too large")
            continue
        name = path.stem.removeprefix("views-").replace("-", " ").replace("_", " ")
        found.append((name, address))
    return found
