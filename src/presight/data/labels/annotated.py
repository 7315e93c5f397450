"""Stored images with a target each, and which label belongs to which image."""

from __future__ import annotations

import os
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Generic

from presight.data.labels.problems import Problem, summary
from presight.data.source import shown
from presight.data.stored import Stored
from presight.data.targets import T_co
from presight.errors import DataError

_PLACES = 3


class Annotated(Stored, Generic[T_co]):
    """Those of some stored images that have labels, with their labels.

    Args:
        stored: all images.
        rows: which of them are labelled.
        read: from a row of `stored` to its target.
        task: what the labels are for.
        classes: their names.
        problems: what was wrong with the labels; images without any are added.

    Attributes:
        problems: all that is not used as it stands, to print and to report.
    """

    def __init__(
        self,
        stored: Stored,
        rows: Collection[int],
        read: Callable[[int], T_co],
        *,
        task: str,
        classes: Sequence[str] = (),
        problems: Sequence[Problem] = (),
    ) -> None:
        self._rows, self._read = sorted(rows), read
        pieces = [stored.pieces[row] for row in self._rows]
        headers = [stored.headers[row] for row in self._rows]
        super().__init__(stored.what, pieces, headers, stored.skipped, stored.limits)
        self.task, self.classes = task, tuple(classes)
        bare = sorted(set(range(len(stored))).difference(rows))
        self.problems = (
            *problems,
            *(
                Problem(stored.identity(row), "image without usable labels", "left out")
                for row in bare
            ),
        )

    def target(self, i: int) -> T_co:
        """What image i shows."""
        return self._read(self._rows[i])

    def summary(self) -> list[str]:
        """Lines for the user on skipped images and on labels that are not used as they stand."""
        return super().summary() + summary(self.problems)


class Names:
    """Finds images by the names that labels give them.

    A name is an image's path below its folder, or the file's own name where only one image has
    it; another ending, such as .png for .jpg, is allowed.

    Args:
        stored: the images.
    """

    def __init__(self, stored: Stored) -> None:
        self.stored = stored
        self._rows: list[dict[str, list[int]]] = [defaultdict(list) for _ in range(4)]
        for row in range(len(stored)):
            for place, key in zip(self._rows, _keys(stored.identity(row)), strict=True):
                place[key].append(row)

    def row(self, name: str) -> int | None:
        """The image of a name; None where there is none, or where it may be one of several."""
        for place, key in zip(self._rows, _keys(name), strict=True):
            found = place.get(key, [])
            if found:
                return found[0] if len(found) == 1 else None
        return None

    def missing(self, name: str, place: str) -> Problem:
        """What to say of a name without an image."""
        keys = _keys(name)
        several = any(
            len(rows.get(key, [])) > 1 for rows, key in zip(self._rows, keys, strict=True)
        )
        if several:
            return Problem(place, "label of a name that several images have", "dropped")
        return Problem(place, "label of an image that is not there", "dropped")

    def require(
        self, found: Collection[int], what: str, first: str, problems: list[Problem]
    ) -> None:
        """Stop where no image has a label.

        Args:
            found: rows of images with labels.
            what: the labels' place.
            first: a name that the labels give, or nothing.
            problems: what was wrong with them.

        Raises:
            DataError: with the first problems.
        """
        if found:
            return
        said = f" The labels begin with {shown(first)}," if first else ""
        said += f" the images with {shown(self.stored.identity(0))}." if first else ""
        told = "".join(f"\n  {problem}" for problem in problems[:_PLACES])
        raise DataError(
            f"{shown(what)} has no usable label for any of the {len(self.stored):,} images in "
            f"{self.stored.what}.{said} Labels and images belong together by the path below the "
            f"images' folder, or by the file's name; its ending may differ.{told}"
        )


def _keys(name: str) -> tuple[str, str, str, str]:
    """From the strictest to the loosest: path, path without ending, name, name without ending."""
    path = unicodedata.normalize("NFC", name.replace("\\", "/")).removeprefix("./")
    last = path.rsplit("/", 1)[-1]
    return path, os.path.splitext(path)[0], last, os.path.splitext(last)[0]


def label_files(root: Path, endings: tuple[str, ...]) -> list[Path]:
    """Files below a folder with some endings, in the order of their paths; hidden ones are not."""
    found = [
        Path(place) / name
        for place, _, names in os.walk(root)
        for name in names
        if name.lower().endswith(endings)
        and not name.startswith(".")
        and os.path.isfile(os.path.join(place, name))  # to open a FIFO would block
    ]
    return sorted(found)
