"""Boxes, masks and keypoints from a COCO .json file."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from presight.data.labels.annotated import Annotated, Names
from presight.data.labels.boxes import Boxes
from presight.data.labels.keypoints import Points
from presight.data.labels.problems import Problem
from presight.data.source import shown
from presight.data.stored import Stored
from presight.data.targets import BoxesTarget, KeypointsTarget
from presight.errors import DataError

_LISTS = ("images", "annotations", "categories")
_MOST = 1e7  # pixels; what is farther away is no coordinate


@dataclass
class Coco:
    """A file's annotations by image.

    Args:
        path: the file.
        stored: the images.
        classes: names of the categories, in the order of their ids.
        categories: the categories, one for each class.
        rows: for each image that is there its annotations: place, class and what it says.
        problems: what was wrong.
        first: the first image's name.
    """

    path: Path
    stored: Stored
    names: Names
    classes: list[str]
    categories: list[dict[str, Any]]
    rows: dict[int, list[tuple[str, int, dict[str, Any]]]]
    problems: list[Problem]
    first: str = ""

    def require(self, found: Sequence[int]) -> None:
        """Stop where no image has a usable label."""
        self.names.require(found, str(self.path), self.first, self.problems)


def load(path: Path, stored: Stored) -> Coco:
    """A file's annotations, as far as their images are there.

    Args:
        path: the .json file.
        stored: the images.

    Raises:
        DataError: no such file, damaged, or of another kind.
    """
    data = _parsed(path)
    problems: list[Problem] = []
    listed = {name: _dicts(path, data[name], name, problems) for name in _LISTS}
    by_id: dict[int, dict[str, Any]] = {}
    for place, item in listed["categories"]:
        if _whole(item.get("id")) and isinstance(item.get("name"), str):
            by_id.setdefault(item["id"], item)
        else:
            problems.append(Problem(place, "category without id and name", "dropped"))
    ordered = [by_id[key] for key in sorted(by_id)]
    classes = list(dict.fromkeys(item["name"] for item in ordered))
    if not classes:
        raise DataError(f"{shown(str(path))} has no categories with id and name; nothing to learn.")
    kinds = {item["name"]: item for item in reversed(ordered)}
    held = Coco(path, stored, Names(stored), classes, [kinds[name] for name in classes], {},
                problems)  # fmt: skip
    images = _images(held, listed["images"])
    numbers = {key: classes.index(item["name"]) for key, item in by_id.items()}
    _annotations(held, listed["annotations"], images, numbers)
    return held


def _parsed(path: Path) -> dict[str, Any]:
    """The file, of which it is certain that it is a COCO file."""
    name = shown(str(path))
    try:
        data = json.loads(path.read_bytes())
    except OSError as error:
        raise DataError(f"cannot read {name}: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"{name} is damaged JSON: {error}. Write it again, or fetch it again."
        ) from error
    if isinstance(data, dict) and all(isinstance(data.get(key), list) for key in _LISTS):
        return data
    if isinstance(data, dict):
        found = "an object with " + (", ".join(shown(key) for key in list(data)[:6]) or "nothing")
    else:
        found = f"a {type(data).__name__}"
        found += " (COCO's results are one: the annotations are meant)" * isinstance(data, list)
    raise DataError(
        f"{name} is JSON of another kind: {found}. Expected COCO's object with the lists "
        f"{', '.join(_LISTS)}."
    )


def _dicts(
    path: Path, items: list[Any], name: str, problems: list[Problem]
) -> list[tuple[str, dict[str, Any]]]:
    """The objects of a list, each with its place."""
    kept = []
    for number, item in enumerate(items):
        place = f"{path.name}, {name}[{number}]"
        if isinstance(item, dict):
            kept.append((place, item))
        else:
            problems.append(Problem(place, "entry that is no object", "dropped"))
    return kept


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def floats(value: object) -> list[float] | None:
    """A list of numbers of a size that pixels can have; None where it is something else."""
    if not isinstance(value, list):
        return None
    if not all(isinstance(each, int | float) and abs(each) < _MOST for each in value):
        return None  # which NaN is not either
    return [float(each) for each in value]


@dataclass
class _Images:
    """Ids of images: where they are, or that they are known not to be there."""

    rows: dict[int, int] = field(default_factory=dict)
    gone: set[int] = field(default_factory=set)


def _images(held: Coco, listed: list[tuple[str, dict[str, Any]]]) -> _Images:
    images = _Images()
    for place, item in listed:
        key, name = item.get("id"), item.get("file_name")
        if not _whole(key) or not isinstance(name, str):
            held.problems.append(Problem(place, "image without id and file_name", "dropped"))
            continue
        held.first = held.first or name
        assert isinstance(key, int)
        row = held.names.row(name)
        stated = (item.get("height"), item.get("width"))
        if key in images.rows or (row is not None and row in held.rows):
            held.problems.append(Problem(place, "image named again", "dropped"))
            if key not in images.rows:
                images.gone.add(key)
            continue
        if row is None:
            held.problems.append(held.names.missing(name, place))
        elif all(map(_whole, stated)) and stated != _size(held.stored, row):
            held.problems.append(Problem(place, "labels of an image of another size", "dropped"))
            row = None
        if row is None:
            images.gone.add(key)
        else:
            images.rows[key] = row
            held.rows[row] = []
    return images


def _size(stored: Stored, row: int) -> tuple[int, int]:
    return stored.headers[row].height, stored.headers[row].width


def _annotations(
    held: Coco, listed: list[tuple[str, dict[str, Any]]], images: _Images, numbers: dict[int, int]
) -> None:
    """Put each annotation to its image."""
    seen: defaultdict[int, set[str]] = defaultdict(set)
    for place, item in listed:
        key, category = item.get("image_id"), item.get("category_id")
        if isinstance(key, int) and key in images.gone:
            continue  # told once, with the image
        if not isinstance(key, int) or key not in images.rows:
            held.problems.append(Problem(place, "annotation of no listed image", "dropped"))
            continue
        if not isinstance(category, int) or category not in numbers:
            held.problems.append(Problem(place, "annotation of no listed category", "dropped"))
            continue
        row = images.rows[key]
        outline = "" if item.get("bbox") else item.get("segmentation")
        text = repr((category, item.get("bbox"), item.get("keypoints"), outline))
        if text in seen[row]:
            held.problems.append(Problem(place, "the same annotation again", "dropped"))
            continue
        seen[row].add(text)
        held.rows[row].append((place, numbers[category], item))


def coco_boxes(path: Path, stored: Stored) -> Annotated[BoxesTarget]:
    """Boxes of all objects; an image that is listed without any shows nothing.

    Args:
        path: the .json file.
        stored: the images.

    Raises:
        DataError: damaged, of another kind, or no image has a box.
    """
    held = load(path, stored)
    targets: dict[int, BoxesTarget] = {}
    for row, items in held.rows.items():
        boxes = Boxes(*_size(stored, row))
        for place, label, item in items:
            box = floats(item.get("bbox"))
            if box is None or len(box) != 4:
                held.problems.append(Problem(place, "bbox that is not four numbers", "dropped"))
                continue
            x, y, wide, high = box
            area = floats([item.get("area")])
            boxes.add((x, y, x + wide, y + high), label, held.problems, place,
                      crowd=item.get("iscrowd") == 1,
                      area=None if area is None else area[0])  # fmt: skip
        if boxes.corners or not items:
            targets[row] = boxes.target()
    held.require([row for row, target in targets.items() if len(target.boxes)])
    return Annotated(stored, targets, targets.__getitem__,
                     task="detection", classes=held.classes, problems=held.problems)  # fmt: skip


def coco_keypoints(path: Path, stored: Stored) -> Annotated[KeypointsTarget]:
    """Points of all objects that have any; crowds and images without points are left out.

    Args:
        path: the .json file, in which one kind of keypoints is named.
        stored: the images.

    Raises:
        DataError: damaged, of another kind, several kinds of keypoints, or no image has any.
    """
    held = load(path, stored)
    named = {tuple(map(str, names)) for category in held.categories
             if isinstance(names := category.get("keypoints"), list) and names}  # fmt: skip
    if len(named) != 1:
        raise DataError(
            f"{shown(str(path))} names {len(named)} kinds of keypoints in its categories; one was "
            "expected. Keep the annotations of one category, with its names of keypoints."
        )
    names = named.pop()
    targets: dict[int, KeypointsTarget] = {}
    for row, items in held.rows.items():
        made = Points(stored.headers[row], names)
        for place, _, item in items:
            _add_points(made, place, item, held.problems)
        if made.points:
            targets[row] = made.target()
    held.require(list(targets))
    return Annotated(stored, targets, targets.__getitem__, task="keypoints",
                     problems=held.problems)  # fmt: skip


def _add_points(made: Points, place: str, item: dict[str, Any], problems: list[Problem]) -> None:
    flat = floats(item.get("keypoints"))
    if item.get("iscrowd") == 1:
        problems.append(Problem(place, "crowd", "left out"))
    elif flat is None or len(flat) != 3 * len(made.names):
        problems.append(Problem(place, "keypoints that are not three numbers each", "dropped"))
    else:
        points = np.array(flat, dtype=np.float64).reshape(-1, 3)
        area = floats([item.get("area")])
        made.add(points[:, :2], points[:, 2] > 0, problems, place,
                 math.nan if area is None else area[0])  # fmt: skip
