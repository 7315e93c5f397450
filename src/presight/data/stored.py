"""Sources whose images are encoded files, alone or in shards; headers known, pixels on demand."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from presight.data.decode import RULES, Limits, decode, read
from presight.data.pool import Progress, Task, pool
from presight.data.source import Header, Piece, Pixels, Skipped, shown
from presight.data.targets import ClassTarget
from presight.errors import DataError


@dataclass
class Listing:
    """What a place holds, before any image is opened.

    Args:
        what: the place's name, for messages.
        pieces: the images, in order.
        labels: a class name for each, where the place says so.
        skipped: what was left out already.
        others: number of other files by extension.
    """

    what: str
    pieces: list[Piece] = field(default_factory=list)
    labels: list[str] | None = None
    skipped: list[Skipped] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)

    def leave_unlabelled(self) -> None:
        """Skip the images whose label is empty."""
        labels = self.labels or []
        bare = [piece for piece, label in zip(self.pieces, labels, strict=True) if not label]
        self.skipped += [Skipped(piece.name, "no label", "label") for piece in bare]
        self.pieces = [piece for piece, label in zip(self.pieces, labels, strict=True) if label]
        self.labels = [label for label in labels if label]


class Stored:
    """Images in files, a header of each known.

    Args:
        what: name of the place, for messages.
        pieces: where the images are.
        headers: a header for each.
        skipped: what was left out.
        limits: what an image may be.
    """

    def __init__(
        self,
        what: str,
        pieces: Sequence[Piece],
        headers: Sequence[Header],
        skipped: Sequence[Skipped],
        limits: Limits,
    ) -> None:
        self.what, self.pieces, self.headers = what, pieces, headers
        self.skipped, self.limits = tuple(skipped), limits

    def __len__(self) -> int:
        return len(self.pieces)

    def decode(self, i: int) -> Pixels:
        """Image i, uint8 [h, w, 3]; raises Unreadable where the file is gone or damaged."""
        return self.reduced(i, 0)

    def reduced(self, i: int, side: int) -> Pixels:
        """Image i with a short side of at most `side`."""
        return decode(read(self.pieces[i]), self.limits, side)

    def identity(self, i: int) -> str:
        """Path below the folder, or the member's name."""
        return self.pieces[i].name

    @property
    def sizes(self) -> NDArray[np.int64]:
        """[N, 2], height and width."""
        pairs = [(header.height, header.width) for header in self.headers]
        return np.array(pairs, dtype=np.int64).reshape(-1, 2)

    @property
    def fingerprint(self) -> str:
        """32 hex digits of names and contents in order (of both ends where a file is long)."""
        hasher = hashlib.blake2b(f"rules {RULES}".encode(), digest_size=16)
        for piece, header in zip(self.pieces, self.headers, strict=True):
            hasher.update(piece.name.encode(errors="surrogateescape"))
            hasher.update(b"\0" + header.digest.encode())
        return hasher.hexdigest()

    @property
    def notes(self) -> dict[str, int]:
        """What was left out of how many images, such as later frames."""
        return dict(Counter(header.note for header in self.headers if header.note))

    def summary(self) -> list[str]:
        """Lines for the user on what was skipped, empty when nothing was."""
        total = len(self) + len(self.skipped)
        lines = []
        bad = [row for row in self.skipped if row.kind == "unreadable"]
        if bad:
            share = 100 * len(bad) / total
            lines.append(f"{len(bad):,} of {total:,} unreadable ({share:.2g} %)")
        rules = Counter((row.reason, row.kind) for row in self.skipped if row.kind != "unreadable")
        hints = {"small": "; set --min-side to keep", "link": "; set --follow-links to keep"}
        hints["label"] = f"; {len(self):,} of {total:,} are used"
        for (reason, kind), count in rules.most_common():
            lines.append(f"{count:,} images have {reason}: skipped{hints.get(kind, '')}")
        return lines + [f"{count:,} images: {note}" for note, count in self.notes.items()]


class Classified(Stored):
    """Stored images with a class each.

    Args:
        stored: the images.
        labels: a class name for each.
    """

    task = "classification"

    def __init__(self, stored: Stored, labels: Sequence[str]) -> None:
        super().__init__(stored.what, stored.pieces, stored.headers, stored.skipped, stored.limits)
        self.classes = tuple(sorted(set(labels)))
        numbers = {name: number for number, name in enumerate(self.classes)}
        self.labels = np.array([numbers[name] for name in labels], dtype=np.int64)

    def target(self, i: int) -> ClassTarget:
        """The class of image i."""
        return ClassTarget(int(self.labels[i]))


def examine(
    listing: Listing,
    limits: Limits,
    *,
    workers: int = 1,
    max_bad_fraction: float = 0.01,
    progress: Progress | None = None,
) -> Stored:
    """Open every image's header, in child processes, and leave out what the rules refuse.

    Args:
        listing: where the images may be.
        limits: the rules.
        workers: child processes.
        max_bad_fraction: stop where more than this share is unreadable, in [0, 1].
        progress: called with images done and in all.

    Raises:
        DataError: nothing usable, or too much that is unreadable.
    """
    tasks: list[Task] = [(piece, {"do": "inspect"}) for piece in listing.pieces]
    answers = pool(workers).run(tasks, limits, progress)
    pieces, headers, labels = [], [], []
    skipped = list(listing.skipped)
    for number, (piece, (reply, _)) in enumerate(zip(listing.pieces, answers, strict=True)):
        if isinstance(reply, dict):
            skipped.append(Skipped(piece.name, reply["reason"], reply["kind"]))
            continue
        pieces.append(piece)
        headers.append(Header(*reply))
        if listing.labels is not None:
            labels.append(listing.labels[number])
    stored = Stored(listing.what, pieces, headers, skipped, limits)
    _enough(stored, max_bad_fraction)
    return stored if listing.labels is None else Classified(stored, labels)


def _enough(stored: Stored, max_bad_fraction: float) -> None:
    """Stop where little or nothing is usable, with the first reasons."""
    bad = [row for row in stored.skipped if row.kind == "unreadable"]
    total = len(stored) + len(stored.skipped)
    examples = "".join(f"\n  {shown(row.path)}: {shown(row.reason)}" for row in bad[:3])
    lines = "; ".join(stored.summary())
    if not len(stored):
        raise DataError(f"no usable image among {total:,} under {stored.what}: {lines}{examples}")
    if len(bad) > max_bad_fraction * total:
        raise DataError(
            f"{len(bad):,} of {total:,} unreadable ({100 * len(bad) / total:.2g} %) under "
            f"{stored.what}, more than --max-bad-fraction {max_bad_fraction:g} allows. "
            f"Repair or remove them, or raise it.{examples}"
        )
