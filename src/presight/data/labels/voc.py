"""Boxes from a folder of Pascal VOC .xml files, one an image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from presight.data.decode import Unreadable, read
from presight.data.labels.annotated import Annotated, Names
from presight.data.labels.boxes import Boxes
from presight.data.labels.problems import Problem
from presight.data.source import Piece
from presight.data.stored import Stored
from presight.data.targets import BoxesTarget


def voc(files: Sequence[Path], root: Path, stored: Stored) -> Annotated[BoxesTarget]:
    """Boxes of all objects.

    VOC counts pixels from 1 and its corners lie in the box: 1 is subtracted from the first corner
    only, which makes it half-open from 0.

    Args:
        files: the .xml files.
        root: their folder.
        stored: the images.

    Raises:
        DataError: no image has a box.
    """
    names, problems = Names(stored), list[Problem]()
    rows: dict[int, tuple[str, ElementTree.Element]] = {}
    for path in files:
        place = path.relative_to(root).as_posix()
        tree = _parsed(path, place, problems)
        if tree is None:
            continue
        row = _row(tree, place, names)
        if row is None:
            problems.append(names.missing(_text(tree, "filename") or place, place))
        elif row in rows:
            problems.append(Problem(place, "second file of one image", "dropped"))
        elif _fits(tree, place, stored, row, problems):
            rows[row] = (place, tree)
    items = [item for _, tree in rows.values() for item in tree.iter("object")]
    classes = sorted({_text(item, "name") for item in items} - {""})
    numbers = {name: number for number, name in enumerate(classes)}
    targets = {}
    for row, (place, tree) in rows.items():
        target = _boxes(place, tree, stored, row, numbers, problems)
        if len(target.boxes) or tree.find("object") is None:  # an image may well show nothing
            targets[row] = target
    usable = [row for row, target in targets.items() if len(target.boxes)]
    names.require(usable, str(root), files[0].stem if files else "", problems)
    return Annotated(stored, targets, targets.__getitem__,
                     task="detection", classes=classes, problems=problems)  # fmt: skip


def _parsed(path: Path, place: str, problems: list[Problem]) -> ElementTree.Element | None:
    """A file's root; None where it is damaged or no VOC annotation."""
    try:
        data = read(Piece(path.name, str(path)))
        if b"<!DOCTYPE" in data:  # which can hold entities without end
            raise Unreadable("it declares a document type")
        root = ElementTree.fromstring(data)
    except (ElementTree.ParseError, Unreadable, ValueError, LookupError) as error:
        problems.append(Problem(place, f"no readable XML ({error})", "dropped"))
        return None
    if root.tag != "annotation":
        problems.append(Problem(place, "XML without <annotation>, so not VOC's", "dropped"))
        return None
    return root


def _row(root: ElementTree.Element, place: str, names: Names) -> int | None:
    """The image: by the file's own name, which tools keep, else by the name within."""
    row = names.row(place.removesuffix(".xml") + ".jpg")
    name = _text(root, "filename")
    return names.row(name) if row is None and name else row


def _text(item: ElementTree.Element, tag: str) -> str:
    return (item.findtext(tag) or "").strip()


def _number(item: ElementTree.Element, tag: str) -> float:
    try:
        return float(_text(item, tag))
    except ValueError:
        return float("nan")


def _fits(
    root: ElementTree.Element, place: str, stored: Stored, row: int, problems: list[Problem]
) -> bool:
    """Whether the labels are of an image of this size, as far as they say."""
    header = stored.headers[row]
    stated = [_number(root, f"size/{side}") for side in ("height", "width")]
    if not min(stated) > 0 or stated == [header.height, header.width]:
        return True
    problems.append(Problem(place, "labels of an image of another size", "dropped"))
    return False


def _boxes(
    file: str,
    root: ElementTree.Element,
    stored: Stored,
    row: int,
    numbers: dict[str, int],
    problems: list[Problem],
) -> BoxesTarget:
    header = stored.headers[row]
    boxes = Boxes(header.height, header.width)
    for number, item in enumerate(root.iter("object"), start=1):
        place = f"{file}, object {number}"
        name = _text(item, "name")
        if not name:
            problems.append(Problem(place, "object without a name", "dropped"))
            continue
        x0, y0, x1, y1 = (
            _number(item, f"bndbox/{side}") for side in ("xmin", "ymin", "xmax", "ymax")
        )
        hard = _text(item, "difficult") == "1"
        boxes.add((x0 - 1, y0 - 1, x1, y1), numbers[name], problems, place, crowd=hard)
    return boxes.target()
