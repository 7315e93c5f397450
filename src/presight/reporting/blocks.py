"""What a page is made of: sections, and the kinds of blocks that the template can draw."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar

from markupsafe import Markup


@dataclasses.dataclass(frozen=True)
class Table:
    """A table; cells are plain text, the first of a row its head.

    Args:
        head: names of the columns.
        rows: cells.
        numeric: all but the first column are numbers.
        caption: above it.
        sortable: the script adds buttons to its head.
        strong: numbers of the rows that are set in bold.
    """

    kind: ClassVar[str] = "table"
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    numeric: bool = True
    caption: str = ""
    sortable: bool = False
    strong: Collection[int] = ()


@dataclasses.dataclass(frozen=True)
class Figure:
    """A chart: its finding, its protocol and the numbers behind it.

    Args:
        title: the finding, a sentence; small charts have none.
        drawing: SVG, one or a wide and a narrow one.
        sub: a sentence under the title.
        protocol: data, labels, seeds, what a band is.
        table: the numbers.
        name: of the table.
        values: what the script tells at the pointer: {"n": [...], "lines": {name: [...]}}.
        id: of the figure in the page, where it has values.
    """

    kind: ClassVar[str] = "figure"
    title: str
    drawing: Markup
    sub: str = ""
    protocol: str = ""
    table: Table | None = None
    name: str = "numbers"
    values: Mapping[str, Any] | None = None
    id: str = ""


@dataclasses.dataclass(frozen=True)
class Multiples:
    """Small charts side by side."""

    kind: ClassVar[str] = "multiples"
    title: str
    figures: Sequence[Figure]
    protocol: str
    table: Table


@dataclasses.dataclass(frozen=True)
class Thumb:
    """A thumbnail: its place on the sheet (an SVG view box), what it is, and what stands below."""

    box: str
    told: str
    below: str
    miss: bool = False


@dataclasses.dataclass(frozen=True)
class Neighbors:
    """A query, its neighbors, and how many of them are of its class."""

    query: Thumb
    found: Sequence[Thumb]
    count: str


@dataclasses.dataclass(frozen=True)
class Gallery:
    """Queries and their neighbors; `sheet` is the element that holds the thumbnails."""

    kind: ClassVar[str] = "gallery"
    title: str
    sheet: str
    rows: Sequence[Neighbors]
    worst: Sequence[Neighbors]
    worst_title: str
    protocol: str
    table: Table


@dataclasses.dataclass(frozen=True)
class EmbeddingMap:
    """A map; `points` is what the script knows of its dots."""

    kind: ClassVar[str] = "map"
    id: str
    title: str
    sub: str
    drawing: Markup
    sheet: str
    points: Mapping[str, Any]
    protocol: str
    table: Table


@dataclasses.dataclass(frozen=True)
class Picture:
    """A picture inside the page, by its data: address."""

    kind: ClassVar[str] = "picture"
    title: str
    address: str
    told: str
    caption: str
    width: int


@dataclasses.dataclass(frozen=True)
class Cell:
    """A cell of a matrix.

    Args:
        value: the number in words.
        small: beneath it, such as its interval.
        shade: 0 to 1, how strongly it is tinted: above 0 only where it is clearly a gain.
        harm: it is clearly a loss.
    """

    value: str
    small: str = ""
    shade: float = 0.0
    harm: bool = False


@dataclasses.dataclass(frozen=True)
class Matrix:
    """Numbers by row and column, tinted where they are clear; an empty cell was not measured.

    Args:
        title: the finding, a sentence.
        head: names of the columns, that of the rows first.
        rows: name and cells.
        quiet: rows for proportion, beneath the others.
        protocol: what a number is.
    """

    kind: ClassVar[str] = "matrix"
    title: str
    head: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Cell]]]
    quiet: Sequence[tuple[str, Sequence[Cell]]]
    protocol: str


@dataclasses.dataclass(frozen=True)
class Choice:
    """Parts of the page to go to: the anchor, its name, its figure, and what is said there."""

    kind: ClassVar[str] = "choice"
    rows: Sequence[tuple[str, str, str, str]]


@dataclasses.dataclass(frozen=True)
class Drawn:
    """An image with answers on it.

    Args:
        pictures: address, what it shows, and its words below.
        words: below all of them.
    """

    pictures: Sequence[tuple[str, str, str]]
    words: str


@dataclasses.dataclass(frozen=True)
class Answers:
    """Images with answers on them, side by side."""

    kind: ClassVar[str] = "answers"
    title: str
    sub: str
    shown: Sequence[Drawn]
    protocol: str


@dataclasses.dataclass(frozen=True)
class Download:
    """A file that the page holds: its name, its address, and what is in it."""

    kind: ClassVar[str] = "download"
    name: str
    address: str
    text: str


@dataclasses.dataclass(frozen=True)
class Command:
    """A command line to copy."""

    kind: ClassVar[str] = "command"
    title: str
    text: str
    note: str = ""


@dataclasses.dataclass(frozen=True)
class Facts:
    """Names and values in lines."""

    kind: ClassVar[str] = "facts"
    title: str
    rows: Sequence[tuple[str, str]]


@dataclasses.dataclass(frozen=True)
class Words:
    """A paragraph."""

    kind: ClassVar[str] = "words"
    text: str
    title: str = ""
    command: str = ""


@dataclasses.dataclass(frozen=True)
class Folded:
    """A block that is folded until it is wanted."""

    kind: ClassVar[str] = "folded"
    title: str
    table: Table


Block = (
    Table
    | Figure
    | Multiples
    | Gallery
    | EmbeddingMap
    | Picture
    | Matrix
    | Choice
    | Answers
    | Download
    | Command
    | Facts
    | Words
    | Folded
)


@dataclasses.dataclass(frozen=True)
class Section:
    """A question of the reader and its answer.

    Args:
        key: of its anchor, a word.
        question: the head.
        finding: the answer in one or two sentences.
        blocks: what it rests on.
        notes: terms and what they mean, in the margin.
    """

    key: str
    question: str
    finding: str
    blocks: Sequence[Block]
    notes: Sequence[tuple[str, str]] = ()


@dataclasses.dataclass(frozen=True)
class Sheets:
    """An image element that thumbnails are cut from."""

    id: str
    address: str
    width: int
    height: int
