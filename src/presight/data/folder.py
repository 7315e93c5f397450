"""Images in nested folders, and images named by a CSV file."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from presight.data.source import Piece, Skipped, shown
from presight.data.stored import Listing
from presight.data.table import read_table
from presight.errors import DataError

EXTENSIONS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm")
_DEPTH = 64


def folder(root: Path, *, follow_links: bool = False) -> Listing:
    """All images below a folder, at any depth, in the order of their paths.

    Args:
        root: the folder.
        follow_links: follow links that leave the folder, and links to folders outside.

    Raises:
        DataError: no image; the message says what was found instead.
    """
    listing = Listing(f"{shown(str(root))}/")
    within = os.path.realpath(root)
    seen = {within}
    found: list[tuple[str, str]] = []
    stack = [(within, "", 0)]
    while stack:
        place, prefix, depth = stack.pop()
        for entry in _entries(place, prefix, listing):
            name = f"{prefix}{entry.name}"
            if entry.is_symlink() and not _allowed(entry.path, within, follow_links):
                _note_link(name, entry, listing)
            elif entry.is_dir():
                real = os.path.realpath(entry.path)
                if depth < _DEPTH and real not in seen:
                    seen.add(real)
                    stack.append((entry.path, f"{name}/", depth + 1))
            elif name.lower().endswith(EXTENSIONS):
                found.append((name, entry.path))
            else:
                listing.others[os.path.splitext(name)[1].lower() or "without extension"] += 1
    listing.pieces = [Piece(name, path) for name, path in sorted(found)]
    if not found:
        raise DataError(_empty(listing))
    return listing


def _entries(place: str, prefix: str, listing: Listing) -> Iterator[os.DirEntry[str]]:
    """A folder's entries in the order of names, so that of two links to one the first is taken."""
    try:
        with os.scandir(place) as entries:
            yield from sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        listing.skipped.append(Skipped(prefix, error.strerror or str(error)))


def _allowed(path: str, within: str, follow_links: bool) -> bool:
    real = os.path.realpath(path)
    inside = os.path.commonpath([real, within]) == within if _same_drive(real, within) else False
    return os.path.exists(real) and (follow_links or inside)


def _same_drive(first: str, second: str) -> bool:
    return os.path.splitdrive(first)[0] == os.path.splitdrive(second)[0]


def _note_link(name: str, entry: os.DirEntry[str], listing: Listing) -> None:
    if name.lower().endswith(EXTENSIONS) or os.path.isdir(entry.path):
        broken = not os.path.exists(entry.path)
        reason = "a link to nothing" if broken else "a link that leaves the folder"
        listing.skipped.append(Skipped(name, reason, "unreadable" if broken else "link"))


def _empty(listing: Listing) -> str:
    """What was looked for, what was found instead, and what to do."""
    looked = " ".join(EXTENSIONS)
    text = f"no images under {listing.what} (looked for {looked}, any case, any depth)."
    text += found_instead(listing.others)
    links = sum(row.kind == "link" for row in listing.skipped)
    if links:
        text += f" {links:,} links leave the folder: set --follow-links to keep."
    return text


def found_instead(others: Counter[str]) -> str:
    """What other files there were, and what to do with them."""
    if not others:
        return ""
    kinds = ", ".join(f"{count:,} {shown(kind)}" for kind, count in others.most_common(6))
    text = f" Found instead: {kinds}."
    if others.keys() & {".heic", ".heif"}:
        text += " HEIC: convert to JPEG first."
    if others.keys() & {".zip", ".rar", ".7z"}:
        text += " Archives: unpack first, or make a .tar."
    if others.keys() & {".tar", ".tgz", ".gz"}:
        text += " Shards: name them themselves, such as FOLDER/{000..009}.tar."
    return text


def class_names(listing: Listing, what: str) -> list[str]:
    """The first folder of each image's name, as its class.

    Raises:
        DataError: images beside the class folders, or fewer than two classes.
    """
    names = [piece.name.replace("\\", "/") for piece in listing.pieces]
    bare = [name for name in names if "/" not in name]
    if bare:
        raise DataError(
            f"{len(bare):,} of {len(names):,} images in {what} lie in no class folder, such as "
            f"{shown(bare[0])}. Labels are expected as CLASS/NAME.jpg, or as a CSV file "
            "path,label."
        )
    return [name.split("/", 1)[0] for name in names]


def table(path: Path, *, follow_links: bool = False) -> Listing:
    """Images named by a CSV file with the columns path and, if it likes, label.

    Paths are relative to the file's folder and must stay below it. A row without a label has the
    empty label.

    Raises:
        DataError: no such column, a path that leaves the folder, no row, or no label in any.
    """
    listing = Listing(shown(str(path)))
    root = os.path.realpath(path.parent)
    labels: list[str] = []
    rows = read_table(path, ("path",), "path,label")
    named = "label" in rows[0].cells
    for row in rows:
        name = row.cells["path"]
        full = _below(root, name, follow_links)
        if full is None:
            raise DataError(
                f"{listing.what}, line {row.line}: {shown(name) or 'an empty path'} is not below "
                f"{shown(str(path.parent))}/. Paths are relative to the CSV file and stay below "
                "its folder (--follow-links follows links that leave it)."
            )
        listing.pieces.append(Piece(name.replace(os.sep, "/"), full))
        if named:
            labels.append(row.cells["label"])
    if named and not any(labels):
        raise DataError(
            f"{listing.what}: the column label is empty in all of {len(rows):,} rows; expected a "
            "class name in some. Without labels leave the column out."
        )
    listing.labels = labels if named else None
    return listing


def _below(root: str, name: str, follow_links: bool) -> str | None:
    """The full path of a name below the root; None where it leaves it."""
    if not name or "\0" in name or os.path.isabs(name) or os.path.splitdrive(name)[0]:
        return None
    if ".." in name.replace("\\", "/").split("/"):
        return None
    full = os.path.join(root, name)
    real = os.path.realpath(full)
    if not follow_links and os.path.commonpath([real, root]) != root:
        return None
    return full
