"""The files of an embedding's folder, written and read; no torch.

`embed.json` goes first and comes last: a folder whose writing broke off has none, and is none.
"""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from presight.store import atomic
from presight.store.plain import read_table

LAYOUT = 1
INFO = "embed.json"
_ARRAYS, _INDEX = "embeddings.npz", "index.csv"
_SHEET, _PLACES = "sprite.jpg", "sprite.json"
_WORDS = ("identity", "label", "predicted")
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

    @classmethod
    def of(cls, raw: bytes, side: int, columns: int, images: Sequence[int]) -> Sheet:
        """A sheet on which the images stand one behind the other.

        Raises:
            ValueError: it is no JPEG, or too small for them.
        """
        try:
            with Image.open(io.BytesIO(raw), formats=("JPEG",)) as picture:
                rows = picture.height // side
                fits = columns * side <= picture.width and len(images) <= rows * columns
        except (OSError, SyntaxError, Image.DecompressionBombError):
            fits = False
        if not fits:
            raise ValueError(f"{_SHEET} is no picture of {len(images):,} thumbnails")
        place = {int(image): (at % columns, at // columns) for at, image in enumerate(images)}
        return cls(raw, side, columns, rows, place)

    def only(self, wanted: Sequence[int]) -> Sheet:
        """A smaller sheet of the wanted images."""
        kept = [image for image in dict.fromkeys(wanted) if image in self.place]
        columns = min(20, max(1, len(kept)))
        side = self.side
        with Image.open(io.BytesIO(self.raw), formats=("JPEG",)) as whole:
            small = Image.new("RGB", (columns * side, max(1, -(-len(kept) // columns)) * side))
            for at, image in enumerate(kept):
                x, y = self.place[image]
                cell = whole.crop((x * side, y * side, (x + 1) * side, (y + 1) * side))
                small.paste(cell, (at % columns * side, at // columns * side))
        held = io.BytesIO()
        small.save(held, "JPEG", quality=80)
        return Sheet.of(held.getvalue(), side, columns, kept)


@dataclasses.dataclass(frozen=True)
class EmbeddingFacts:
    """What a folder says of an embedding, but for its vectors.

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


def write(
    folder: Path,
    *,
    vectors: ArrayLike,
    map: ArrayLike,
    neighbors: ArrayLike,
    similarity: ArrayLike,
    words: Mapping[str, Sequence[str]],
    sheet: Sheet,
    info: Mapping[str, Any],
) -> Path:
    """Write all files; those of an older embedding are replaced.

    Args:
        folder: made where it is not there.
        vectors: [n,d].
        map: [n,2].
        neighbors: [n,k], nearest first.
        similarity: [n,k], cosine.
        words: about each image: `identity`, and `label` and `predicted` where there are any.
        sheet: thumbnails.
        info: what else `embed.json` says, plain JSON.

    Returns:
        `embed.json`.
    """
    atomic.make_folder(folder)
    vectors, neighbors = np.asarray(vectors, np.float32), np.asarray(neighbors, np.int32)
    held = io.BytesIO()
    np.savez(  # vectors hardly get smaller, and packing a million of them takes minutes
        held,
        vectors=vectors,
        map=np.asarray(map, np.float32),
        neighbors=neighbors,
        similarity=np.asarray(similarity, np.float32),
    )
    path = folder / INFO
    if path.exists():  # the old one must not stand beside new vectors
        atomic.remove_tree(path)
    atomic.write_bytes(folder / _SHEET, sheet.raw)
    places = {"side": sheet.side, "columns": sheet.columns, "rows": list(sheet.place)}
    atomic.write_json(folder / _PLACES, places)
    atomic.write_bytes(folder / _ARRAYS, held.getvalue())
    atomic.write_bytes(folder / _INDEX, _index_csv(words))
    (count, dim), (_, k) = vectors.shape, neighbors.shape
    told = {"count": count, "dim": dim, "neighbors": {"k": k}}
    atomic.write_json(path, {"layout": LAYOUT, **told, **info})
    return path


def _index_csv(words: Mapping[str, Sequence[str]]) -> bytes:
    """A line an image, in the order of the vectors; names as they are, stray bytes included."""
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["number", *words])
    count = len(words["identity"])
    table.writerows(zip(range(count), *words.values(), strict=True))
    return text.getvalue().encode("utf-8", "surrogateescape")


def read(folder: Path) -> EmbeddingFacts:
    """Read a folder; a sheet of thumbnails that cannot be read is left out.

    Raises:
        ValueError: the files do not belong together, are damaged, or of another layout.
        OSError: a file is missing or cannot be read.
    """
    info = read_table(folder / INFO)
    if info.get("layout") != LAYOUT:
        raise ValueError(f"{INFO} is not of layout {LAYOUT}; embed again")
    with open(folder / _ARRAYS, "rb") as file, np.load(file, allow_pickle=False) as held:
        try:
            places = held["map"].astype(np.float64)
            neighbors = held["neighbors"].astype(np.int64)
            similarity = held["similarity"].astype(np.float64)
        except KeyError as error:
            raise ValueError(f"{_ARRAYS} lacks {error}") from None
    n = len(places)
    if n > _MOST_IMAGES or places.shape != (n, 2) or neighbors.shape != similarity.shape:
        raise ValueError(f"the arrays of {_ARRAYS} do not fit together")
    if len(neighbors) != n or neighbors.ndim != 2 or not np.isfinite(places).all():
        raise ValueError(f"the arrays of {_ARRAYS} do not fit together")
    if neighbors.size and (neighbors.min() < 0 or neighbors.max() >= n):
        raise ValueError("neighbors name images that do not exist")
    identities, labels, predicted = _index(folder / _INDEX, n)
    return EmbeddingFacts(
        info, places, neighbors, similarity, identities, labels, predicted, _sheet(folder, n)
    )


def _index(path: Path, n: int) -> list[list[str]]:
    with open(path, newline="", encoding="utf-8", errors="replace") as file:
        rows = list(csv.DictReader(file))
    if len(rows) != n:
        raise ValueError(f"{_INDEX} has {len(rows):,} rows for {n:,} images")
    columns = [[row.get(name) or "" for row in rows] for name in _WORDS]
    return [column if any(column) else [] for column in columns]


def _sheet(folder: Path, n: int) -> Sheet | None:
    try:
        told = read_table(folder / _PLACES)
        raw = (folder / _SHEET).read_bytes()
        if len(raw) > _MOST_BYTES:
            return None
        found = Sheet.of(raw, told["side"], told["columns"], told["rows"])
    except (OSError, ValueError, KeyError, TypeError, ZeroDivisionError):
        return None
    return found if found.place and all(0 <= image < n for image in found.place) else None
