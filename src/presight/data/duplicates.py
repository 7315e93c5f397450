"""Near duplicates: pictures that are the same but for size, compression, brightness and color.

Two measures of gray thumbnails must agree. Coarse ones, 16 pixels a side, find candidates by the
correlation of their pixels; of 10,000 natural images against 50,000 others those above 0.9 were
half false, ships on a horizon above all. Fine ones, 32 pixels a side, then compare detail alone,
what is left when a blurred copy is taken away: above 0.65 nearly all that were looked at were the
same picture. Pictures of quite other colors are none, but a gray copy is. Crops, mirrored copies
and large shifts are not found.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

if TYPE_CHECKING:
    from presight.data.canvas import Images
    from presight.data.pool import Progress

SIMILAR = 0.9
DETAIL = 0.65
SIDE = 32
"""Short side of images that is enough to compare them, pixels."""
_COARSE, _FINE = 16, SIDE
_BLOCK = 20_000  # images of the larger set that are held at a time
_READ = 512
_CANDIDATES = 3
_OTHER_COLOR = 0.12  # sum of differences of mean chromaticity
_GRAY = 6.0  # gray levels that channels of a gray picture differ by at most, in the mean
_FLAT = 2.0  # gray levels of deviation below which a picture has nothing to compare
_LISTED = 100


@dataclasses.dataclass(frozen=True)
class Duplicates:
    """Which of some images are also among others.

    Args:
        looked: images that were looked for.
        among: images that they were looked for among.
        exact: rows whose thumbnails are equal, byte for byte, ascending.
        near: rows that are near duplicates, exact ones left out, ascending.
        pairs: row, row among the others, and correlation of detail, the most alike first; at most
            100. Exact ones are among them, but for flat pictures, which have no detail.
    """

    looked: int
    among: int
    exact: tuple[int, ...]
    near: tuple[int, ...]
    pairs: tuple[tuple[int, int, float], ...]

    @property
    def rows(self) -> list[int]:
        """All of them, ascending."""
        return sorted({*self.exact, *self.near})

    def words(self, these: str, those: str) -> list[str]:
        """A sentence; none where there is nothing to say.

        Args:
            these: what was looked for, such as `test images`.
            those: what they were looked for among, such as `training images`.
        """
        if not self.rows:
            return []
        same = f", {len(self.exact):,} of them exact" if self.exact else ""
        return [
            f"{len(self.rows):,} of {self.looked:,} {these} are near duplicates of {those}{same}."
        ]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "looked": self.looked,
            "among": self.among,
            "exact": len(self.exact),
            "near": len(self.near),
            "pairs": [list(pair) for pair in self.pairs],
        }


def find_duplicates(
    images: Images,
    rows: Tensor,
    others: Images,
    other_rows: Tensor,
    *,
    progress: Progress | None = None,
) -> Duplicates:
    """Which of some images are near duplicates of any of some others.

    The others are looked at in blocks, so that their number costs time and not memory.

    Args:
        images: the data layer's images.
        rows: int64 [q], those to look for.
        others: images to look among.
        other_rows: int64 [n], which of them; where both are one set, a row is no duplicate of
            itself.
        progress: told images done and in all.
    """
    wanted = _Thumbnails.of(images, rows)
    best = torch.full((len(rows),), -1.0)
    match = torch.full((len(rows),), -1, dtype=torch.long)
    exact: set[int] = set()
    known = _bytes_of(wanted.pixels)
    for start in range(0, len(other_rows), _BLOCK):
        chosen = other_rows[start : start + _BLOCK]
        block = _Thumbnails.of(others, chosen)
        value, index = _best(wanted, block, (rows, chosen) if images is others else None)
        better = value > best
        best, match = torch.where(better, value, best), torch.where(better, chosen[index], match)
        exact |= _equal(known, block, rows, chosen if images is others else None)
        if progress is not None:
            progress(min(start + _BLOCK, len(other_rows)), len(other_rows))
    found = (best >= DETAIL).nonzero()[:, 0].tolist()
    near = tuple(sorted(int(rows[at]) for at in found if int(rows[at]) not in exact))
    order = sorted(found, key=lambda at: -float(best[at]))[:_LISTED]
    pairs = tuple((int(rows[at]), int(match[at]), round(float(best[at]), 3)) for at in order)
    return Duplicates(len(rows), len(other_rows), tuple(sorted(exact)), near, pairs)


@dataclasses.dataclass(frozen=True)
class _Thumbnails:
    """Small copies of images: unit vectors of the coarse picture and of detail, and mean colors."""

    pixels: NDArray[np.uint8]
    coarse: Tensor
    detail: Tensor
    color: Tensor
    gray: Tensor

    @staticmethod
    def of(images: Images, rows: Tensor) -> _Thumbnails:
        pixels = np.concatenate([*_small(images, rows), np.empty((0, _FINE, _FINE, 3), np.uint8)])
        colors = torch.from_numpy(pixels).float()
        gray = (colors @ torch.tensor([0.299, 0.587, 0.114]))[:, None]
        mean = colors.mean((1, 2))
        chroma = mean / mean.sum(1, keepdim=True).clamp_min(1.0)
        is_gray = (colors - colors.mean(3, keepdim=True)).abs().mean((1, 2, 3)) < _GRAY
        blurred = functional.avg_pool2d(functional.pad(gray, (3, 3, 3, 3), "reflect"), 7, 1)
        coarse = functional.avg_pool2d(gray, _FINE // _COARSE).flatten(1)
        flat = coarse.std(1, correction=0) < _FLAT if len(coarse) else torch.zeros(0).bool()
        detail = _unit((gray - blurred).flatten(1), flat)
        return _Thumbnails(pixels, _unit(coarse, flat), detail, chroma, is_gray)


def _small(images: Images, rows: Tensor) -> Iterator[NDArray[np.uint8]]:
    """Thumbnails [b, 32, 32, 3] of the true pictures, without the canvas around them."""
    for start in range(0, len(rows), _READ):
        batch = images.batch(rows[start : start + _READ])
        canvases = batch.images[:, :3].permute(0, 2, 3, 1).numpy()
        part = np.empty((len(canvases), _FINE, _FINE, 3), np.uint8)
        for at, (canvas, frame) in enumerate(zip(canvases, batch.frame.tolist(), strict=True)):
            x0, y0, x1, y1 = map(int, frame)
            picture = np.ascontiguousarray(canvas[y0:y1, x0:x1])
            shrinks = min(picture.shape[:2]) >= _FINE
            how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
            part[at] = cv2.resize(picture, (_FINE, _FINE), interpolation=how)
        yield part


def _unit(rows: Tensor, flat: Tensor) -> Tensor:
    rows = rows - rows.mean(1, keepdim=True)
    rows = functional.normalize(rows, dim=1)
    rows[flat] = 0.0
    return rows


def _best(
    wanted: _Thumbnails, block: _Thumbnails, one_set: tuple[Tensor, Tensor] | None
) -> tuple[Tensor, Tensor]:
    """Largest correlation of detail among candidates of each wanted image, and its place.

    `one_set` holds the rows of both where they are of one set: a row is no candidate of its own.
    """
    k = min(_CANDIDATES, len(block.coarse))
    values, places = [], []
    step = max(1, 2**25 // max(1, len(block.coarse)))
    for start in range(0, len(wanted.coarse), step):
        coarse = wanted.coarse[start : start + step] @ block.coarse.T
        if one_set is not None:
            rows, chosen = one_set
            coarse[rows[start : start + step, None] == chosen] = -1.0
        alike, index = coarse.topk(k, dim=1)
        detail = wanted.detail[start : start + step]
        fine = (detail[:, None] * block.detail[index]).sum(2)
        here = slice(start, start + step)
        apart = (wanted.color[here, None] - block.color[index]).abs().sum(2) > _OTHER_COLOR
        colored = ~(wanted.gray[here, None] | block.gray[index])
        fine[(alike < SIMILAR) | (apart & colored)] = -1.0
        value, which = fine.max(1)
        values.append(value)
        places.append(index.gather(1, which[:, None])[:, 0])
    return torch.cat(values), torch.cat(places)


def _bytes_of(pixels: NDArray[np.uint8]) -> dict[bytes, list[int]]:
    found: dict[bytes, list[int]] = {}
    for at, picture in enumerate(pixels):
        found.setdefault(picture.tobytes(), []).append(at)
    return found


def _equal(
    known: dict[bytes, list[int]], block: _Thumbnails, rows: Tensor, chosen: Tensor | None
) -> set[int]:
    """Rows whose thumbnail is one of the block's, but for its own where it is of the same set."""
    found: set[int] = set()
    for place, picture in enumerate(block.pixels):
        for at in known.get(picture.tobytes(), ()):
            row = int(rows[at])
            if chosen is None or row != int(chosen[place]):
                found.add(row)
    return found
