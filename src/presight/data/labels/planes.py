"""Label files of one value a pixel, as they are stored: no rotation, no conversion."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from presight.data.decode import Limits, Unreadable, as_stored, read
from presight.data.labels.annotated import Names
from presight.data.labels.problems import Problem
from presight.data.pool import Progress
from presight.data.source import Piece
from presight.data.stored import Stored

_LIMITS = Limits(min_side=1, max_ratio=math.inf, float_range=True)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Plane:
    """The values of a file.

    Args:
        values: [h, w], or [h, w, 3] where they are colors.
        palette: uint8 [n, 3], RGB of the values where the file has its own.
    """

    values: NDArray[Any]
    palette: NDArray[np.uint8] | None = None


def read_png(path: Path) -> Plane:
    """A PNG's values; raises Unreadable."""
    with as_stored(read(Piece(path.name, str(path))), _LIMITS) as image:
        if image.format != "PNG":  # others lose values
            raise Unreadable(f"{image.format} instead of PNG")
        image.load()
        if image.mode == "P":
            colors = np.array(image.getpalette("RGB"), dtype=np.uint8).reshape(-1, 3)
            return Plane(np.array(image), colors)
        if image.mode in ("RGBA", "LA"):
            return Plane(np.array(image.convert(image.mode[:-1])))
        if image.mode == "1":
            return Plane(np.array(image).astype(np.uint8))
        return Plane(np.array(image))


def read_npy(path: Path) -> Plane:
    """An array's values [h, w] or [h, w, 1], mapped from the file; raises Unreadable."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            values = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # a damaged header leads to whatever its parser raises
        raise Unreadable(f"no readable array ({error})") from error
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "fiu":
        raise Unreadable("no array of numbers")
    return Plane(values[..., 0] if values.ndim == 3 and values.shape[2] == 1 else values)


def paired(
    files: Sequence[Path], root: Path, stored: Stored, problems: list[Problem]
) -> dict[int, Path]:
    """The file of each image, by its path without the ending.

    Args:
        files: label files.
        root: their folder.
        stored: the images.
        problems: gets files without an image, and second files of one.
    """
    names, found = Names(stored), dict[int, Path]()
    for path in files:
        name = path.relative_to(root).as_posix()
        row = names.row(name)
        if row is None:
            problems.append(names.missing(name, name))
        elif row in found:
            problems.append(Problem(name, "second file of one image", "dropped"))
        else:
            found[row] = path
    return found


def scanned(
    files: dict[int, Path],
    root: Path,
    stored: Stored,
    examine: Callable[[Path, tuple[int, int]], T],
    problems: list[Problem],
    workers: int,
    progress: Progress | None,
) -> dict[int, T]:
    """What an examination finds in each file; those that it refuses are dropped, and told.

    Args:
        files: by image.
        root: their folder.
        stored: the images.
        examine: from a file and its image's height and width; raises Unreadable.
        problems: gets the reasons.
        workers: threads.
        progress: called with files done and in all.
    """
    sides = [(stored.headers[row].height, stored.headers[row].width) for row in files]

    def one(path: Path, side: tuple[int, int]) -> T | Unreadable:
        try:
            return examine(path, side)
        except Unreadable as error:
            return error

    found: dict[int, T] = {}
    with ThreadPoolExecutor(workers) as threads:
        answers = threads.map(one, files.values(), sides)
        for done, ((row, path), answer) in enumerate(zip(files.items(), answers, strict=True), 1):
            if isinstance(answer, Unreadable):
                problems.append(
                    Problem(path.relative_to(root).as_posix(), answer.reason, "dropped")
                )
            else:
                found[row] = answer
            if progress is not None:
                progress(done, len(files))
    return found
