"""A depth for each pixel from a folder of 16-bit PNGs or .npy arrays, one an image."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from presight.data.decode import Unreadable
from presight.data.labels.annotated import Annotated, Names, label_files
from presight.data.labels.planes import paired, read_npy, read_png, scanned
from presight.data.labels.problems import Problem
from presight.data.pool import Progress
from presight.data.stored import Stored
from presight.data.targets import DepthTarget
from presight.errors import UsageError

ENDINGS = (".png", ".npy")


@dataclass(frozen=True, slots=True)
class _Seen:
    """Pixels without a usable depth: zeros, negative ones, and numbers that are not finite."""

    zero: int
    negative: int
    strange: int


def depths(
    root: Path,
    stored: Stored,
    *,
    scale: float | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> Annotated[DepthTarget]:
    """Depths beside images of the same name, each read once now and again when asked for.

    Args:
        root: the folder.
        stored: the images.
        scale: meters of one step of the files, such as 0.001 for millimeters; arrays of floats
            are meters without it.
        workers: threads that read the files.
        progress: called with files done and in all.

    Raises:
        DataError: no usable depth.
        UsageError: a scale that is not positive.
    """
    if scale is not None and not 0 < scale < math.inf:
        raise UsageError(f"a depth scale of {scale:g}; meters a step, such as 0.001, are expected.")
    problems: list[Problem] = []
    files = paired(label_files(root, ENDINGS), root, stored, problems)

    def examine(path: Path, side: tuple[int, int]) -> _Seen:
        return _examined(path, side, scale)

    seen = scanned(files, root, stored, examine, problems, workers, progress)
    for row, one in seen.items():
        place = files[row].relative_to(root).as_posix()
        for count, what in (
            (one.zero, "pixel of depth 0"),
            (one.negative, "pixel of negative depth"),
            (one.strange, "pixel whose depth is not finite"),
        ):
            if count:
                problems.append(Problem(place, what, "not known", count))
    first = next((path.name for path in files.values()), "")
    Names(stored).require(seen, str(root), first, problems)

    def target(row: int) -> DepthTarget:
        values = _meters(files[row], scale)
        with np.errstate(invalid="ignore"):
            known = np.isfinite(values) & (values > 0)
        return DepthTarget(np.where(known, values, 0).astype(np.float32))

    return Annotated(stored, seen, target, task="depth", problems=problems)


def _meters(path: Path, scale: float | None) -> NDArray[np.float32]:
    """Depths as they stand, float32."""
    plane = read_npy(path) if path.suffix.lower() == ".npy" else read_png(path)
    values = plane.values
    if values.ndim != 2:
        raise Unreadable(f"{values.ndim} axes; a depth a pixel was expected")
    if values.dtype == np.uint8:
        raise Unreadable("8 bits, too few for depths; 16-bit PNG or .npy was expected")
    if values.dtype.kind != "f" and scale is None:
        raise Unreadable("whole numbers without a scale; say --depth-scale, 0.001 for millimeters")
    with np.errstate(over="ignore", invalid="ignore"):
        meters: NDArray[np.float32] = values.astype(np.float32) * np.float32(scale or 1)
    return meters


def _examined(path: Path, side: tuple[int, int], scale: float | None) -> _Seen:
    values = _meters(path, scale)
    if values.shape != side:
        height, width = values.shape
        reason = f"depth of {width} x {height} for an image of {side[1]} x {side[0]} pixels"
        raise Unreadable(reason)
    strange = ~np.isfinite(values)
    with np.errstate(invalid="ignore"):
        negative = (values < 0) & ~strange
    zero = values == 0
    if (strange | negative | zero).all():
        raise Unreadable("no pixel with a depth")
    return _Seen(int(zero.sum()), int(negative.sum()), int(strange.sum()))
