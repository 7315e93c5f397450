"""Thumbnails of many images in one file."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

if TYPE_CHECKING:
    from presight.data.canvas import Images

SIDE = 48
_BATCH = 256
_MOST_BYTES = 1_500_000
_GROUND = 235
"""Gray around images that are not square."""


def sheet(
    images: Images, rows: Sequence[int], *, columns: int = 0, side: int = SIDE
) -> tuple[NDArray[np.uint8], int]:
    """Thumbnails side by side, whole pictures on a gray ground.

    Args:
        images: the data layer's images.
        rows: which of them, in order.
        columns: thumbnails in a line; 0 makes the sheet about square.
        side: of a thumbnail, pixels.

    Returns:
        uint8 [lines * side, columns * side, 3], and the number of columns.
    """
    columns = columns or max(1, math.ceil(math.sqrt(len(rows))))
    lines = max(1, -(-len(rows) // columns))
    picture = np.full((lines * side, columns * side, 3), _GROUND, np.uint8)
    for start in range(0, len(rows), _BATCH):
        batch = images.batch(torch.tensor(rows[start : start + _BATCH]))
        for at, (canvas, frame) in enumerate(zip(batch.images, batch.frame, strict=True), start):
            x0, y0, x1, y1 = (int(value) for value in frame)
            small = _fitted(canvas[:3, y0:y1, x0:x1].permute(1, 2, 0).numpy(), side)
            top = at // columns * side + (side - small.shape[0]) // 2
            left = at % columns * side + (side - small.shape[1]) // 2
            picture[top : top + small.shape[0], left : left + small.shape[1]] = small
    return picture, columns


def _fitted(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    kind = Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.BICUBIC
    return np.asarray(Image.fromarray(np.ascontiguousarray(pixels)).resize(size, kind))


def jpeg(picture: NDArray[np.uint8], most: int = _MOST_BYTES) -> bytes:
    """The picture as JPEG, of the best quality from 85 down that stays below `most` bytes."""
    found = b""
    for quality in (85, 75, 65, 50, 35):
        held = io.BytesIO()
        Image.fromarray(picture).save(held, "JPEG", quality=quality, optimize=True)
        found = held.getvalue()
        if len(found) <= most:
            break
    return found


def png(picture: NDArray[np.uint8]) -> bytes:
    """The picture as PNG."""
    held = io.BytesIO()
    Image.fromarray(picture).save(held, "PNG")
    return held.getvalue()
