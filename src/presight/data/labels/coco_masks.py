"""A class for each pixel from the outlines and runs of a COCO .json file."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from presight.data.labels.annotated import Annotated
from presight.data.labels.coco import Coco, floats, load
from presight.data.labels.problems import Problem
from presight.data.labels.regions import filled, runs_reader, unpacked, unrolled
from presight.data.source import shown
from presight.data.stored import Stored
from presight.data.targets import IGNORE, MaskTarget
from presight.errors import DataError

_Region: TypeAlias = Callable[[int, int], NDArray[np.bool_]]
_MOST_CLASSES = 254
_GROUND = "background"


def coco_masks(path: Path, stored: Stored) -> Annotated[MaskTarget]:
    """Masks of all objects over the background, class 0; where they overlap, the smaller is seen.

    Crowds, and the boxes of objects without an outline, count neither way.

    Args:
        path: the .json file.
        stored: the images.

    Raises:
        DataError: damaged, of another kind, over 254 categories, or no image has an outline.
        Unavailable: runs written as strings, and no pycocotools to read them.
    """
    held = load(path, stored)
    names = [_GROUND, *(name for name in held.classes if name != _GROUND)]
    if len(held.classes) > _MOST_CLASSES:
        raise DataError(
            f"{shown(str(path))} has {len(held.classes):,} categories; masks hold at most "
            f"{_MOST_CLASSES}. Merge some of them."
        )
    regions = {
        row: [made for item in items if (made := _region(held, names, row, *item)) is not None]
        for row, items in held.rows.items()
    }
    held.require([row for row, made in regions.items() if any(n != IGNORE for n, _ in made)])

    def target(row: int) -> MaskTarget:
        header = stored.headers[row]
        return _painted(regions[row], header.height, header.width)

    return Annotated(stored, regions, target, task="segmentation",
                     classes=names, problems=held.problems)  # fmt: skip


def _painted(regions: list[tuple[int, _Region]], height: int, width: int) -> MaskTarget:
    mask = np.zeros((height, width), dtype=np.uint8)
    drawn = [(number, draw(height, width)) for number, draw in regions]
    drawn.sort(key=lambda pair: (pair[0] != IGNORE, -int(pair[1].sum())))
    for number, inside in drawn:
        mask[inside] = number
    return MaskTarget(mask)


def _region(
    held: Coco, names: list[str], row: int, place: str, label: int, item: dict[str, Any]
) -> tuple[int, _Region] | None:
    """What to draw of an annotation, and as which class."""
    header = held.stored.headers[row]
    outline = item.get("segmentation")
    number = IGNORE if item.get("iscrowd") == 1 else names.index(held.classes[label])
    draw = _runs(outline, header.height, header.width) if isinstance(outline, dict) else None
    if isinstance(outline, list) and outline:
        polygons = [floats(one) for one in outline]
        if all(one is not None and len(one) >= 6 and len(one) % 2 == 0 for one in polygons):
            draw = partial(_polygons, [one for one in polygons if one is not None])
    if draw is not None:
        return number, draw
    box = floats(item.get("bbox"))
    if box is None or len(box) != 4:
        held.problems.append(Problem(place, "no usable outline, no usable box", "dropped"))
        return None
    held.problems.append(Problem(place, "no usable outline", "its box counts neither way"))
    x, y, wide, high = box
    corners = [x, y, x + wide, y, x + wide, y + high, x, y + high]
    return IGNORE, partial(_polygons, [corners])


def _polygons(polygons: list[list[float]], height: int, width: int) -> NDArray[np.bool_]:
    inside = np.zeros((height, width), dtype=np.bool_)
    for polygon in polygons:
        inside |= filled(polygon, height, width)
    return inside


def _runs(outline: dict[str, Any], height: int, width: int) -> _Region | None:
    """Runs that fill an image of this size; None where they do not."""
    counts = outline.get("counts")
    if outline.get("size") != [height, width]:
        return None
    if isinstance(counts, str):
        runs_reader()
        try:
            unpacked(counts, height, width)
        except (ValueError, TypeError):
            return None
        return partial(unpacked, counts)
    if not isinstance(counts, list) or not all(type(n) is int and n >= 0 for n in counts):
        return None
    return partial(unrolled, counts) if sum(counts) == height * width else None
