"""A class for each pixel from a folder of PNGs, one an image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from presight.data.decode import Unreadable
from presight.data.labels.annotated import Annotated, Names, label_files
from presight.data.labels.palette import EXPECTED, NAME, Palette, codes, read_palette
from presight.data.labels.planes import paired, read_png, scanned
from presight.data.labels.problems import Problem
from presight.data.pool import Progress
from presight.data.source import shown
from presight.data.stored import Stored
from presight.data.targets import IGNORE, MaskTarget
from presight.errors import DataError

ENDINGS = (".png",)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a file holds: how often each value below 255, others, and its own colors of them."""

    counts: NDArray[np.int64]
    others: int
    colors: dict[int, int]


def masks(
    root: Path,
    stored: Stored,
    *,
    palette: Path | None = None,
    ignore: Sequence[int] = (),
    workers: int = 1,
    progress: Progress | None = None,
) -> Annotated[MaskTarget]:
    """Masks beside images of the same name, each read once now and again when asked for.

    Without a palette.csv in the folder or above it, a file's values are the classes, named by
    their numbers, and 255 counts neither way. Where each file has colors of its own for its
    values, they must agree.

    Args:
        root: the folder.
        stored: the images.
        palette: a file of classes with their values or colors.
        ignore: values that count neither way, where there is no palette.
        workers: threads that read the files.
        progress: called with files done and in all.

    Raises:
        DataError: no usable mask, colors without a palette, or one class only.
    """
    problems: list[Problem] = []
    files = paired(label_files(root, ENDINGS), root, stored, problems)
    given = palette or next((path for path in (root / NAME, root.parent / NAME)
                             if path.is_file()), None)  # fmt: skip
    known = read_palette(given) if given is not None else None

    def examine(path: Path, side: tuple[int, int]) -> _Seen:
        return _examined(path, side, known)

    seen = scanned(files, root, stored, examine, problems, workers, progress)
    first = next((path.name for path in files.values()), "")
    Names(stored).require(seen, str(root), first, problems)
    if known is None:
        _agree(root, files, seen)
        highest = max(int(one.counts.nonzero()[0].max(initial=0)) for one in seen.values())
        kept = tuple(value for value in range(highest + 1) if value not in ignore)
        known = Palette(tuple(map(str, kept)), kept)
    for row, one in seen.items():
        if one.others:
            what = "pixel of a value or color that is no class"
            problems.append(
                Problem(
                    files[row].relative_to(root).as_posix(), what, "counts neither way", one.others
                )
            )
    _several(root, seen, ignore if given is None else ())
    applied = known

    def target(row: int) -> MaskTarget:
        return MaskTarget(applied.applied(read_png(files[row])))

    return Annotated(stored, seen, target, task="segmentation",
                     classes=known.classes, problems=problems)  # fmt: skip


def _examined(path: Path, side: tuple[int, int], palette: Palette | None) -> _Seen:
    plane = read_png(path)
    if plane.values.shape[:2] != side:
        height, width = plane.values.shape[:2]
        reason = f"mask of {width} x {height} for an image of {side[1]} x {side[0]} pixels"
        raise Unreadable(reason)
    if palette is not None:
        counts = np.bincount(palette.applied(plane).ravel(), minlength=256)
        return _Seen(counts[:IGNORE], int(counts[IGNORE]), {})
    if plane.values.ndim == 3:
        raise Unreadable(f"colors, and no {NAME} with {EXPECTED}")
    values = plane.values
    counts = np.bincount(np.clip(values, 0, IGNORE + 1).ravel(), minlength=IGNORE + 2)
    used = counts[: IGNORE + 1].nonzero()[0]
    own = {} if plane.palette is None else {
        int(value): int(codes(plane.palette[value])) for value in used if value < len(plane.palette)
    }  # fmt: skip
    return _Seen(counts[:IGNORE], int(counts[IGNORE + 1]), own)


def _agree(root: Path, files: dict[int, Path], seen: dict[int, _Seen]) -> None:
    """Stop where a value has one color here and another there: then colors are the classes."""
    colors: dict[int, tuple[int, Path]] = {}
    for row, one in seen.items():
        for value, color in one.colors.items():
            other = colors.setdefault(value, (color, files[row]))
            if other[0] != color:
                raise DataError(
                    f"{shown(str(root))}: the value {value} has one color in "
                    f"{shown(other[1].name)} and another in {shown(files[row].name)}, so the "
                    f"colors are the classes. Give a {NAME} with name,red,green,blue."
                )


def _several(root: Path, seen: dict[int, _Seen], ignore: Sequence[int]) -> None:
    """Stop where all that counts is one class."""
    total = np.sum([one.counts for one in seen.values()], axis=0)
    present = [int(value) for value in total.nonzero()[0] if value not in ignore]
    if len(present) < 2:
        raise DataError(
            f"{shown(str(root))} shows {len(present)} class in {len(seen):,} masks; two or more "
            "are needed, and the value 255 is none of them. Where 255 is the object, give a "
            f"{NAME}: name,index with background,0 and object,255."
        )
