"""What a place holds: counts, sizes, what would be skipped and why, and what to train with."""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from presight.core import automatic
from presight.core.automatic import Rule
from presight.core.settings import Settings
from presight.data.canvas import Streamed
from presight.data.decode import Limits, Unreadable, read
from presight.data.duplicates import SIDE, Duplicates, find_duplicates
from presight.data.fill import reduced
from presight.data.open import open_source
from presight.data.pack import source_sizes
from presight.data.pool import Progress, default_workers
from presight.data.source import Skipped, Source, shown
from presight.data.stored import Stored
from presight.errors import DataError

_GRAY_SAMPLE = 64
_LOOKED = 20_000  # images that are compared at most, and their pixels: both bound the time
_PIXELS = 5e9
_RUN = 50  # compared images in a row, since copies, bursts and video frames lie side by side
_GRAY_MODES = {"1", "L", "LA", "I", "I;16", "I;16B", "I;16L", "I;16N"}


@dataclass(frozen=True)
class Report:
    """What `check` found.

    Args:
        what: the place.
        count: usable images.
        formats, modes: number of images by format and by mode, in Pillow's words.
        short_sides: smallest, 25 %, 50 %, 75 % and largest short side, pixels.
        long_side: the largest long side, pixels.
        skipped: what was left out, and why.
        notes: what was left out of images that are used, such as later frames.
        duplicates: names of images with the same bytes, two or more a group.
        near: near duplicates among the files that were compared; None where they were not.
        example: names of two near duplicates.
        gray: whether all images looked at are gray.
        suggested: what pretrain takes for these images where nobody says otherwise, by option.
    """

    what: str
    count: int
    formats: dict[str, int]
    modes: dict[str, int]
    short_sides: tuple[int, int, int, int, int]
    long_side: int
    skipped: tuple[Skipped, ...]
    notes: dict[str, int]
    duplicates: tuple[tuple[str, ...], ...]
    near: Duplicates | None
    example: tuple[str, ...]
    gray: bool
    suggested: dict[str, Rule]

    def lines(self) -> list[str]:
        """The report for people, names escaped."""
        low, quarter, half, most, high = self.short_sides
        text = [f"{self.what}: {self.count:,} images"]
        for title, kinds in (("formats", self.formats), ("modes", self.modes)):
            if kinds:
                parts = ", ".join(f"{kind} {count:,}" for kind, count in kinds.items())
                text.append(f"{title}: {parts}")
        shares = f"a quarter up to {quarter}, half up to {half}, three quarters up to {most}"
        spread = f"{low} to {high} px ({shares})" if low < high else f"{low} px"
        text.append(f"short side: {spread}; longest side {self.long_side} px")
        for name, rule in self.suggested.items():
            text.append(f"suggested --{name.replace('_', '-')} {rule.why}")
        if self.gray:
            text.append("all images looked at are gray: color views change nothing")
        if self._unreadable > Settings.max_bad_fraction * (self.count + len(self.skipped)):
            text.append(
                f"{self._unreadable:,} unreadable are too many: pretrain asks for their repair, or "
                "a larger --max-bad-fraction"
            )
        text += [f"{count:,} images: {note}" for note, count in self.notes.items()]
        return text + self._duplicate_lines() + self._skipped_lines()

    @property
    def summary(self) -> dict[str, Any]:
        """The report's numbers for machines."""
        names = ("smallest", "25%", "50%", "75%", "largest")
        return {
            "data": self.what,
            "images": self.count,
            "formats": self.formats,
            "modes": self.modes,
            "short_side": dict(zip(names, self.short_sides, strict=True)),
            "long_side": self.long_side,
            "skipped": dict(Counter(row.reason for row in self.skipped).most_common()),
            "unreadable": self._unreadable,
            "notes": self.notes,
            "duplicates": {"groups": len(self.duplicates), "extra": self._extra},
            "near_duplicates": self.near.to_json() if self.near else None,
            "gray": self.gray,
            "suggested": {name: rule.value for name, rule in self.suggested.items()},
        }

    @property
    def _unreadable(self) -> int:
        return sum(row.kind == "unreadable" for row in self.skipped)

    @property
    def _extra(self) -> int:
        return sum(len(group) - 1 for group in self.duplicates)

    def _duplicate_lines(self) -> list[str]:
        lines = []
        if self.duplicates:
            pair = " = ".join(shown(name) for name in self.duplicates[0][:2])
            groups = len(self.duplicates)
            lines.append(f"{self._extra:,} exact duplicates in {groups:,} groups, such as {pair}")
        if self.near is not None and self.near.near:
            pair = " and ".join(shown(name) for name in self.example)
            lines.append(
                f"{len(self.near.near):,} of {self.near.looked:,} images compared are near "
                f"duplicates of others, such as {pair}: keep them on one side of a test"
            )
        return lines

    def _skipped_lines(self) -> list[str]:
        by_reason: dict[str, list[str]] = defaultdict(list)
        for row in self.skipped:
            by_reason[row.reason].append(row.path)
        ordered = sorted(by_reason.items(), key=lambda item: -len(item[1]))
        return [
            f"skipped {len(paths):,}: {shown(reason)}, such as {shown(paths[0])}"
            for reason, paths in ordered
        ]


def check(
    spec: str | Path | Source,
    *,
    limits: Limits | None = None,
    follow_links: bool = False,
    download: bool = False,
    workers: int = 0,
    progress: Progress | None = None,
    accelerator: bool = False,
) -> Report:
    """Look at a place without training on it.

    Args:
        spec: as for `open_source`.
        limits: what an image may be.
        follow_links: follow links that leave the folder.
        download: fetch a torchvision set that is not on disk.
        workers: processes that open headers; 0 takes one less than the cores.
        progress: called with images done and in all.
        accelerator: whether there is one to train with; what is suggested depends on it.

    Raises:
        DataError: nothing usable at all.
    """
    source = open_source(
        spec,
        limits=limits,
        follow_links=follow_links,
        download=download,
        max_bad_fraction=1.0,
        workers=workers,
        progress=progress,
    )
    sizes = source_sizes(source)
    short = np.quantile(sizes.min(1), (0, 0.25, 0.5, 0.75, 1.0), method="lower").tolist()
    stored = source if isinstance(source, Stored) else None
    headers = stored.headers if stored else []
    near = _near(stored, workers or default_workers(), progress) if stored else None
    return Report(
        what=stored.what if stored else shown(str(spec)),
        count=len(source),
        formats=dict(Counter(header.format for header in headers).most_common()),
        modes=dict(Counter(header.mode for header in headers).most_common()),
        short_sides=tuple(short),
        long_side=int(sizes.max()),
        skipped=stored.skipped if stored else (),
        notes=stored.notes if stored else {},
        duplicates=_duplicates(stored) if stored else (),
        near=near,
        example=_example(stored, near) if stored and near else (),
        gray=_gray(source),
        suggested=_suggested(sizes.min(1).tolist(), accelerator),
    )


def _suggested(shortest: list[int], accelerator: bool) -> dict[str, Rule]:
    size = automatic.image_size(shortest, accelerator)
    length = {"epochs": automatic.epochs(len(shortest))} if accelerator else {}
    budget = automatic.minutes()
    if not accelerator:
        length = {"minutes": Rule(budget.value, f"{budget.value:g}: {budget.why}")}
    return {"image_size": size, "backbone": automatic.backbone(accelerator), **length}


def _duplicates(stored: Stored) -> tuple[tuple[str, ...], ...]:
    """Groups of equal bytes; candidates by their digest are compared as a whole."""
    candidates: dict[str, list[int]] = defaultdict(list)
    for i, header in enumerate(stored.headers):
        candidates[header.digest].append(i)
    groups: dict[bytes, list[str]] = defaultdict(list)
    for rows in candidates.values():
        for i in rows if len(rows) > 1 else ():
            try:
                data = read(stored.pieces[i])
            except Unreadable:
                continue
            groups[hashlib.blake2b(data, digest_size=16).digest()].append(stored.identity(i))
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)


def _near(stored: Stored, workers: int, progress: Progress | None) -> Duplicates | None:
    """Near duplicates among runs of files spread over all; None where files are damaged."""
    pixels = float(stored.sizes.prod(1).sum())
    every = max(1, -(-len(stored) // _LOOKED), math.ceil(pixels / _PIXELS))
    rows = torch.arange(len(stored))
    rows = rows[rows // _RUN % every == 0]
    images = Streamed(stored, side=SIDE, workers=workers)
    try:
        return find_duplicates(images, rows, images, rows, progress=progress)
    except DataError:
        return None


def _example(stored: Stored, near: Duplicates) -> tuple[str, ...]:
    """The most alike pair that is not exact."""
    exact = set(near.exact)
    named = (pair for pair in near.pairs if pair[0] not in exact)
    return next((tuple(stored.identity(i) for i in pair[:2]) for pair in named), ())


def _gray(source: Source) -> bool:
    """Whether a spread sample of the images is gray throughout."""
    if isinstance(source, Stored) and all(h.mode in _GRAY_MODES for h in source.headers):
        return True
    for i in np.linspace(0, len(source) - 1, min(_GRAY_SAMPLE, len(source))).astype(int):
        try:
            pixels = reduced(source, int(i), 64)
        except (DataError, OSError):
            continue
        if np.ptp(pixels.astype(np.int16), axis=2).max() > 0:
            return False
    return True
