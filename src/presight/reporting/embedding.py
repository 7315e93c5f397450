"""An embedding folder, read for the page: map, neighbors, labels and thumbnails; no vectors."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_MOST_IMAGES = 1_000_000
_MOST_BYTES = 8 << 20


@dataclasses.dataclass(frozen=True)
class Sheet:
    """Thumbnails in one JPEG: `place` gives the column and row of an image's, in thumbnails.

    Args:
        raw: the file.
        side: of a thumbnail, pixels.
        columns: thumbnails in a line.
        rows: lines.
        place: image's number -> where its thumbnail stands.
    """

    raw: bytes
    side: int
    columns: int
    rows: int
    place: Mapping[int, tuple[int, int]]

    def only(self, wanted: Sequence[int]) -> Sheet:
        """A smaller sheet of the wanted images."""
        kept = [image for image in dict.fromkeys(wanted) if image in self.place]
        columns = min(20, max(1, len(kept)))
        rows = max(1, -(-len(kept) // columns))
        side = self.side
        with Image.open(io.BytesIO(self.raw), formats=("JPEG",)) as whole:
            small = Image.new("RGB", (columns * side, rows * side))
            place = {}
            for at, image in enumerate(kept):
                x, y = self.place[image]
                cell = whole.crop((x * side, y * side, (x + 1) * side, (y + 1) * side))
                place[image] = (at % columns, at // columns)
                small.paste(cell, (place[image][0] * side, place[image][1] * side))
        held = io.BytesIO()
        small.save(held, "JPEG", quality=80)
        return Sheet(held.getvalue(), side, columns, rows, place)


@dataclasses.dataclass(frozen=True)
class EmbeddingFacts:
    """What the page shows of an embedding.

    Args:
        info: embed.json.
        map: float [n,2].
        neighbors: int [n,k], nearest first, without the image itself.
        similarity: float [n,k], cosine.
        identities: of the images.
        labels: class of each image; empty where there are none.
        predicted: class that the probe said; empty where there are none.
        sheet: thumbnails, where they can be read.
    """

    info: Mapping[str, Any]
    map: NDArray[np.float64]
    neighbors: NDArray[np.int64]
    similarity: NDArray[np.float64]
    identities: Sequence[str]
    labels: Sequence[str]
    predicted: Sequence[str]
    sheet: Sheet | None

    def gallery(self, kind: str) -> list[list[int]]:
        """Rows of a query and its neighbors, those whose numbers exist; `fixed` or `worst`."""
        held = self.info.get("gallery")
        rows = held.get(kind) if isinstance(held, dict) else None
        n = len(self.map)
        return [
            row
            for row in (rows if isinstance(rows, list) else [])
            if isinstance(row, list)
            and len(row) > 1
            and all(isinstance(i, int) and 0 <= i < n for i in row)
        ]

    def alike(self, query: int, other: int) -> float | None:
        """Cosine similarity of a query and one of its neighbors, where it was stored."""
        (at,) = np.nonzero(self.neighbors[query] == other)
        return float(self.similarity[query, at[0]]) if len(at) else None


def read_embedding(folder: Path) -> EmbeddingFacts:
    """Read an embedding folder; a sheet of thumbnails that cannot be read is left out.

    Raises:
        ValueError: the files do not belong together, or are damaged.
        OSError: a file is missing or cannot be read.
    """
    info = _table(folder / "embed.json")
    with open(folder / "embeddings.npz", "rb") as file, np.load(file, allow_pickle=False) as held:
        try:
            places = held["map"].astype(np.float64)
            neighbors = held["neighbors"].astype(np.int64)
            similarity = held["similarity"].astype(np.float64)
        except KeyError as error:
            raise ValueError(f"embeddings.npz lacks {error}") from None
    n = len(places)
    if n > _MOST_IMAGES or places.shape != (n, 2) or neighbors.shape != similarity.shape:
        raise ValueError("the arrays of embeddings.npz do not fit together")
    if len(neighbors) != n or neighbors.ndim != 2 or not np.isfinite(places).all():
        raise ValueError("the arrays of embeddings.npz do not fit together")
    if neighbors.size and (neighbors.min() < 0 or neighbors.max() >= n):
        raise ValueError("neighbors name images that do not exist")
    columns = _index(folder / "index.csv", n)
    return EmbeddingFacts(info, places, neighbors, similarity, *columns, _sheet(folder, n))


def _table(path: Path) -> dict[str, Any]:
    if path.stat().st_size > _MOST_BYTES:
        raise ValueError(f"{path.name} is larger than {_MOST_BYTES >> 20} MB")
    held = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(held, dict):
        raise ValueError(f"{path.name} holds no table")
    return held


def _index(path: Path, n: int) -> tuple[list[str], list[str], list[str]]:
    with open(path, newline="", encoding="utf-8", errors="replace") as file:
        rows = list(csv.DictReader(file))
    if len(rows) != n:
        raise ValueError(f"index.csv has {len(rows):,} rows for {n:,} images")
    columns = [[row.get(name) or "" for row in rows] for name in ("identity", "label", "predicted")]
    identity, label, predicted = (column if any(column) else [] for column in columns)
    return identity, label, predicted


def _sheet(folder: Path, n: int) -> Sheet | None:
    try:
        told = _table(folder / "sprite.json")
        raw = (folder / "sprite.jpg").read_bytes()
        side, columns, rows = told["side"], told["columns"], told["rows"]
        with Image.open(io.BytesIO(raw), formats=("JPEG",)) as picture:
            lines = picture.height // side
            if len(raw) > _MOST_BYTES or picture.width < columns * side:
                return None
        place = {int(image): (at % columns, at // columns) for at, image in enumerate(rows)}
    except (OSError, ValueError, KeyError, TypeError, ZeroDivisionError):
        return None
    sound = {i: p for i, p in place.items() if 0 <= i < n and p[1] < lines}
    return Sheet(raw, side, columns, lines, sound) if sound else None
