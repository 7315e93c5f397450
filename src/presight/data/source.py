"""What data is: a length, an identity and pixels by number; labels beside, where there are any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from presight.data.targets import T_co

Pixels = NDArray[np.uint8]
"""uint8 [h, w, 3], upright RGB."""

Reason = Literal["unreadable", "small", "large", "link", "label"]


@runtime_checkable
class Source(Protocol):
    """Images by number, without labels."""

    def __len__(self) -> int:
        """Number of images."""
        ...

    def decode(self, i: int) -> Pixels:
        """Image i, uint8 [h, w, 3], upright RGB."""
        ...

    def identity(self, i: int) -> str:
        """Name of image i, the same on every machine."""
        ...

    @property
    def fingerprint(self) -> str:
        """Changes when, and only when, content or order change."""
        ...


@runtime_checkable
class Labelled(Source, Protocol[T_co]):
    """A source that knows what is in its images, such as `Labelled[BoxesTarget]`.

    Args:
        task: which labels they are, such as classification or detection.
        classes: their names; none where the task has no classes.
    """

    task: str
    classes: tuple[str, ...]

    def target(self, i: int) -> T_co:
        """What image i shows."""
        ...


@runtime_checkable
class Blocks(Source, Protocol):
    """A source that makes several images at a time faster than one by one."""

    @property
    def spec(self) -> str:
        """What opens the same source again, in another process."""
        ...

    def decode_many(self, indices: Sequence[int]) -> Sequence[Pixels]:
        """Images by number, the same as one by one."""
        ...


@runtime_checkable
class Reduced(Source, Protocol):
    """A source that decodes to a small size faster than to the full one."""

    def reduced(self, i: int, side: int) -> Pixels:
        """Image i with a short side of at most `side` pixels, never enlarged."""
        ...


@runtime_checkable
class Sized(Source, Protocol):
    """A source that knows its images' sizes without decoding them."""

    @property
    def sizes(self) -> NDArray[np.int64]:
        """[N, 2], height and width of each upright image."""
        ...


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that is left out, and why.

    Args:
        path: its name, as found.
        reason: one clause for people.
        kind: unreadable counts against `max_bad_fraction`, the others are rules.
    """

    path: str
    reason: str
    kind: Reason = "unreadable"


@dataclass(frozen=True, slots=True)
class Piece:
    """Where the bytes of one image are.

    Args:
        name: identity of the image, the same on every machine.
        path: file that holds it.
        start, length: its part of the file; a length of -1 is all of it.
        data: the bytes themselves, where the file cannot be read from the middle.
    """

    name: str
    path: str
    start: int = 0
    length: int = -1
    data: bytes | None = None


@dataclass(frozen=True, slots=True)
class Header:
    """What is known of an image before it is decoded.

    Args:
        height, width: of the upright image, pixels.
        mode, format: in Pillow's words.
        digest: of its bytes; of the size, head and tail where the file is long.
        note: something that was left out, or nothing.
    """

    height: int
    width: int
    mode: str
    format: str
    digest: str
    note: str = ""


def shown(name: str) -> str:
    """A name fit for a terminal: control characters, direction marks and stray bytes escaped."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in name
    )


def name_of(data: str) -> str:
    """The name of data, fit for a terminal, without the folders above, its owner's business.

    It opens no file: the data may have gone.

    Args:
        data: as the user named it.

    Returns:
        `a folder` where the data is named by its place alone, such as `.`.
    """
    name = Path(data).name
    return "a folder" if name in ("", "..") else shown(name)
