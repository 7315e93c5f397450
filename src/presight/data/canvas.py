"""Images as canvases by index: from a memory map where they fit, else decoded as they are asked.

Both hold every image whole, upright, RGB, uint8, with its own aspect and a short side of at most
`side` pixels, and give the same pixels for the same sample.
"""

from __future__ import annotations

import logging
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from presight.core.batch import Batch
from presight.data.decode import Unreadable
from presight.data.fill import fitting, reduced
from presight.data.pack import Pack, kept_sizes, pack, packed
from presight.data.pool import Progress, Task, default_workers, pool
from presight.data.source import Blocks, Pixels, Source
from presight.data.stored import Stored
from presight.errors import DataError, RunError, UsageError
from presight.store import atomic
from presight.store.primitives import free_bytes

_LOG = logging.getLogger(__name__)
_MOST_LOST = 0.001


class Images(Protocol):
    """Canvases by index, on the CPU."""

    @property
    def sizes(self) -> NDArray[np.int64]:
        """[N, 2], height and width of each image as it is kept."""
        ...

    def __len__(self) -> int:
        """Number of images."""
        ...

    def batch(self, index: Tensor) -> Batch:
        """Images by index, int64 [B]: uint8 [B,3,H,W], channels_last, in equal canvases."""
        ...


class Packed:
    """Images of a pack on disk, mapped into memory.

    Args:
        held: the pack.
    """

    def __init__(self, held: Pack) -> None:
        self.held = held
        self.sizes = held.sizes
        self.replaced = held.replaced

    def __len__(self) -> int:
        return len(self.sizes)

    def batch(self, index: Tensor) -> Batch:
        """Images by index."""
        rows = index.numpy()
        if self.held.equal is not None:
            canvas: Pixels = self.held.equal[rows]
            return Batch.of(torch.from_numpy(canvas).permute(0, 3, 1, 2), index)
        return canvases([self.held.image(int(row)) for row in rows], index)


class Streamed:
    """Images decoded when they are asked for, by child processes where they are files.

    A file that is lost while the run goes on is replaced by the next one that can be read.

    Args:
        source: the images.
        side: largest short side, pixels.
        workers: child processes.

    Attributes:
        lost: samples that could not be read so far.
    """

    def __init__(self, source: Source, *, side: int, workers: int) -> None:
        self.source, self.side, self.workers = source, side, workers
        self.lost: set[int] = set()
        self.sizes = kept_sizes(source, side)

    def __len__(self) -> int:
        return len(self.source)

    def batch(self, index: Tensor) -> Batch:
        """Images by index."""
        rows = index.tolist()
        pairs = zip(rows, self.decode(rows), strict=True)
        return canvases([self._replace(row, image) for row, image in pairs], index)

    def decode(self, rows: list[int]) -> list[Pixels | None]:
        """Images by number, uint8 [h, w, 3]; None where one cannot be read."""
        if isinstance(self.source, Blocks):
            return [fitting(image, self.side) for image in self.source.decode_many(rows)]
        if not isinstance(self.source, Stored):
            with ThreadPoolExecutor(self.workers) as threads:
                return list(threads.map(self._one, rows))
        source = self.source
        extra = {"do": "decode", "side": self.side}
        tasks: list[Task] = [(source.pieces[row], extra) for row in rows]
        answers = pool(self.workers).run(tasks, source.limits)
        return [
            None
            if isinstance(reply, dict)
            else np.frombuffer(data, np.uint8).reshape(reply[0], reply[1], 3)
            for reply, data in answers
        ]

    def _one(self, row: int) -> Pixels | None:
        try:
            return reduced(self.source, row, self.side)
        except (Unreadable, OSError):
            return None

    def _replace(self, row: int, image: Pixels | None) -> Pixels:
        """The image, or the next one that can be read."""
        other = row
        while image is None:
            self.lost.add(other)
            if len(self.lost) > max(1, _MOST_LOST * len(self)):
                raise DataError(
                    f"{len(self.lost):,} of {len(self):,} images vanished or became unreadable "
                    "during the run, more than 0.1 %. Put them back and give the same command."
                )
            other = (other + 1) % len(self)
            image = self.decode([other])[0]
        return image


def canvases(images: list[Pixels], index: Tensor) -> Batch:
    """Images side by side in canvases of the largest height and width, zeros around."""
    sides = np.array([image.shape[:2] for image in images])
    height, width = (int(side) for side in sides.max(0))
    full = bool((sides == (height, width)).all())
    canvas = (np.empty if full else np.zeros)((len(images), height, width, 3), np.uint8)
    for row, image in enumerate(images):
        canvas[row, : image.shape[0], : image.shape[1]] = image
    frame = torch.zeros(len(images), 4)
    frame[:, 2:] = torch.from_numpy(sides[:, ::-1].astype(np.float32))
    return Batch(torch.from_numpy(canvas).permute(0, 3, 1, 2), index, frame)


def images_of(
    source: Source,
    *,
    side: int,
    cache_dir: Path | None = None,
    workers: int = 0,
    progress: Progress | None = None,
    max_bad_fraction: float = 0.01,
) -> Images:
    """Canvases of a source: packed where they take at most a quarter of the free disk.

    They are streamed where they take more, and where the user's cache folder cannot be written.

    Args:
        source: the images.
        side: largest short side, pixels; smaller images keep their size.
        cache_dir: where packs are kept; None takes the user's cache folder.
        workers: decoding processes; 0 takes one less than the cores.
        progress: called with images done and in all while a pack is made.
        max_bad_fraction: stop where more than this share cannot be decoded, in [0, 1].

    Raises:
        DataError: too much that cannot be decoded.
        UsageError: a side that is not positive, or a `cache_dir` that cannot be written.
    """
    if side < 1:
        raise UsageError(f"--cache-side {side}: a side of 1 pixel or more was expected.")
    folder = cache_dir or default_cache()
    workers = workers or default_workers()
    if not packed(source, side=side, cache_dir=folder):
        needed = int(kept_sizes(source, side).prod(1).sum()) * 3
        if needed > free_bytes(folder) // 4 or not _writable(folder, asked=cache_dir is not None):
            return Streamed(source, side=side, workers=workers)
    held = pack(
        source,
        side=side,
        cache_dir=folder,
        workers=workers,
        progress=progress,
        max_bad_fraction=max_bad_fraction,
    )
    return Packed(held)


def _writable(folder: Path, *, asked: bool) -> bool:
    """Whether packs can be kept in a folder; one that the user asked for must take them."""
    try:
        atomic.make_folder(folder)
    except RunError:
        found = False
    else:
        found = os.access(folder, os.W_OK | os.X_OK)
    if not found and asked:
        raise UsageError(f"--cache-dir {folder} cannot be written; choose another folder.")
    if not found:
        _LOG.warning(
            "%s cannot be written: every epoch decodes the images again. --cache-dir takes "
            "another folder.",
            folder,
        )
    return found


def default_cache() -> Path:
    """$XDG_CACHE_HOME/presight/packs, or below ~/.cache; the temporary folder without a home."""
    base = os.environ.get("XDG_CACHE_HOME")
    try:
        root = Path(base) if base else Path.home() / ".cache"
    except RuntimeError:
        root = Path(tempfile.gettempdir())
    return root / "presight" / "packs"
