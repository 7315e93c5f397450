"""Filling a pack: every image decoded and written to its place, by children, blocks or threads."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from presight.data.decode import Limits, fitted, shrink
from presight.data.pool import Progress, Task, pool
from presight.data.source import Blocks, Piece, Pixels, Reduced, Source
from presight.data.stored import Stored
from presight.errors import DataError

_BLOCK = 32  # images of a source that makes them in blocks
_BLOCK_SECONDS = 600.0
_WORTH_CHILDREN = 16_000_000  # bytes: less is made before children have started


@dataclasses.dataclass(frozen=True)
class _File:
    """The file to be filled, as `fill` has it, and where each image begins in it."""

    path: Path
    side: int
    sizes: NDArray[np.int64]
    offsets: NDArray[np.int64]
    workers: int
    progress: Progress | None

    def task(self, do: str, first: int, **more: object) -> dict[str, Any]:
        """What a child is asked for: to make an image, or several, and to write them here."""
        place = {"into": os.path.abspath(self.path), "offset": int(self.offsets[first])}
        return {"do": do, "side": self.side, **place, **more}

    def pixels(self) -> np.memmap[Any, np.dtype[np.uint8]]:
        """The file's bytes."""
        return np.memmap(self.path, dtype=np.uint8, mode="r+")


def fill(
    source: Source,
    side: int,
    path: Path,
    sizes: NDArray[np.int64],
    workers: int,
    progress: Progress | None,
) -> dict[int, str]:
    """Write every image of a source, one behind the other, into a file that is long enough.

    Args:
        source: the images.
        side: largest short side, pixels.
        path: the file.
        sizes: int64 [N, 2], height and width of each image as it is kept.
        workers: processes or threads.
        progress: called with images done and in all.

    Returns:
        The images that failed, and why.
    """
    into = _File(path, side, sizes, offsets_of(sizes), workers, progress)
    if isinstance(source, Stored):
        return _by_children(source, into)
    if isinstance(source, Blocks):
        if workers > 1 and into.offsets[-1] > _WORTH_CHILDREN:
            return _blocks_by_children(source, into)
        return _by_blocks(source, into)
    return _by_threads(source, into)


def reduced(source: Source, i: int, side: int) -> Pixels:
    """Image i with a short side of at most `side`."""
    if isinstance(source, Reduced):
        return source.reduced(i, side)
    return fitting(source.decode(i), side)


def fitting(image: Pixels, side: int) -> Pixels:
    """The image with a short side of at most `side`."""
    return shrink(image, *fitted(image.shape[0], image.shape[1], side))


def offsets_of(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """[N], where each image of these heights and widths [N, 2] begins, bytes."""
    ends = np.cumsum(sizes.prod(1) * 3)
    return np.concatenate([[0], ends[:-1]]).astype(np.int64)


def _by_children(source: Stored, into: _File) -> dict[int, str]:
    """Children decode files and write them to their places; the reasons of those that failed."""
    tasks: list[Task] = [
        (piece, into.task("decode", i, shape=into.sizes[i].tolist()))
        for i, piece in enumerate(source.pieces)
    ]
    answers = pool(into.workers).run(tasks, source.limits, into.progress)
    return {i: reply["reason"] for i, (reply, _) in enumerate(answers) if isinstance(reply, dict)}


def _blocks_by_children(source: Blocks, into: _File) -> dict[int, str]:
    """Children make blocks and write them to their places."""
    count = len(source)
    tasks: list[Task] = []
    for start in range(0, count, _BLOCK):
        rows = [start, min(start + _BLOCK, count)]
        task = into.task("block", start, spec=source.spec, rows=rows)
        tasks.append((Piece(source.identity(start), ""), task))

    def by_image(done: int, _: int) -> None:
        if into.progress is not None:
            into.progress(min(done * _BLOCK, count), count)

    answers = pool(into.workers).run(tasks, Limits(seconds=_BLOCK_SECONDS), by_image)
    for reply, _ in answers:
        if isinstance(reply, dict):
            raise DataError(f"{source.spec} could not be made: {reply['reason']}.")
    return {}


def _by_blocks(source: Blocks, into: _File) -> dict[int, str]:
    """Blocks are made in this process."""
    count, pixels = len(source), into.pixels()
    for start in range(0, count, _BLOCK):
        stop = min(start + _BLOCK, count)
        made = block(source, start, stop, into.side)
        at = into.offsets[start]
        pixels[at : at + made.size] = made
        if into.progress is not None:
            into.progress(stop, count)
    pixels.flush()
    return {}


def block(source: Blocks, start: int, stop: int, side: int) -> NDArray[np.uint8]:
    """Images start..stop-1 with a short side of at most `side`, flat, one behind the other."""
    made = source.decode_many(range(start, stop))
    return np.concatenate([fitting(image, side).reshape(-1) for image in made])


def _by_threads(source: Source, into: _File) -> dict[int, str]:
    """Other sources are decoded in this process."""
    pixels = into.pixels()

    def one(i: int) -> None:
        image, size = reduced(source, i, into.side), into.sizes[i]
        if image.shape != (*size, 3):
            raise DataError(f"image {i} decodes to {image.shape}, not {(*size, 3)}")
        at = into.offsets[i]
        pixels[at : at + image.size] = image.reshape(-1)

    failed = _each(one, len(source), into.workers, into.progress)
    pixels.flush()
    return failed


def _each(
    one: Callable[[int], None], count: int, workers: int, progress: Progress | None
) -> dict[int, str]:
    """Run a function for every number, in threads; the reasons of those that failed."""
    failed: dict[int, str] = {}

    def block(start: int) -> int:
        stop = min(start + 256, count)
        for i in range(start, stop):
            try:
                one(i)
            except (DataError, OSError) as error:
                failed[i] = str(error)
        return stop - start

    done = 0
    with ThreadPoolExecutor(workers) as threads:
        for future in as_completed([threads.submit(block, i) for i in range(0, count, 256)]):
            done += future.result()
            if progress is not None:
                progress(done, count)
    return failed
