"""Pictures of a run, made small enough to stand inside the page."""

from __future__ import annotations

import base64
import dataclasses
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from presight.core.wording import cut
from presight.reporting.privacy import without_folders

_MOST_BYTES = 400_000
_MOST_PIXELS = 40_000_000
_WIDEST = 1472  # twice the page's column
_VIEWS = "A column is an image of the first batch, its rows are its views."


@dataclasses.dataclass(frozen=True)
class Shown:
    """A picture of the page.

    Args:
        name: in words.
        kind: views or shown.
        caption: what its columns and rows are.
        address: data: address.
        width: of the file, pixels.
    """

    name: str
    kind: str
    caption: str
    address: str
    width: int


def as_data(path: Path) -> tuple[str, int]:
    """A PNG file as a data: address, and its width; a large one as a JPEG of the column's width.

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
            width = picture.width
            if len(raw) <= _MOST_BYTES:
                return address("png", raw), width
            small = picture.convert("RGB")
    except (OSError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ValueError("it is no readable PNG") from None
    small.thumbnail((_WIDEST, _WIDEST))
    held = io.BytesIO()
    small.save(held, "JPEG", quality=80)
    return address("jpeg", held.getvalue()), width


def address(kind: str, raw: bytes) -> str:
    """The data: address of an image file."""
    return f"data:image/{kind};base64,{base64.b64encode(raw).decode()}"


def embedded(paths: Sequence[Path], remarks: list[str], most: int) -> list[Shown]:
    """The pictures that fit into `most` bytes; the others become remarks."""
    told = _captions(paths[0].parent) if paths else {}
    found: list[Shown] = []
    for path in paths:
        try:
            held, width = as_data(path)
        except (OSError, ValueError) as error:
            remarks.append(f"{path.name} is not shown: {error}")
            continue
        if sum(len(one.address) for one in found) + len(held) > most:
            remarks.append(f"{path.name} is not shown: the page would become too large")
            continue
        line = told.get(path.name, {})
        kind = "shown" if line.get("kind", path.name.partition("-")[0]) == "shown" else "views"
        plain = path.stem.removeprefix(f"{kind}-").replace("-", " ").replace("_", " ")
        caption = line.get("caption") or (_VIEWS if kind == "views" else "")
        name = cut(line.get("name") or plain)
        found.append(Shown(name, kind, without_folders(cut(caption, 300)), held, width))
    return found


def _captions(folder: Path) -> Mapping[str, Mapping[str, Any]]:
    """Lines of pictures.json by file; a list, or a JSON table a line."""
    try:
        text = (folder / "pictures.json").read_text(encoding="utf-8")[: 1 << 20]
    except (OSError, ValueError):
        return {}
    try:
        held = json.loads(text)
    except (ValueError, RecursionError):
        held = [_line(line) for line in text.splitlines()]
    rows = held if isinstance(held, list) else [held]
    return {str(row["file"]): row for row in rows if isinstance(row, dict) and "file" in row}


def _line(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
