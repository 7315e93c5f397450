"""Images in tar shards, read in place and never extracted: names are keys, no paths."""

from __future__ import annotations

import glob
import os
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

from presight.data.folder import EXTENSIONS, found_instead
from presight.data.source import Piece, Skipped, shown
from presight.data.stored import Listing
from presight.errors import DataError

ENDINGS = (".tar", ".tar.gz", ".tgz")
_MOST_MEMORY = 2 << 30
_RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")


def is_shards(spec: str) -> bool:
    """Whether a name, a list or a pattern means tar shards."""
    return spec.lower().endswith(ENDINGS)


def expand(spec: str) -> list[Path]:
    """The shards that a name, a list with commas, {000..009} or a * pattern means, in order.

    Raises:
        DataError: a shard that is not there.
    """
    if os.path.exists(spec):
        return [Path(spec)]
    paths: list[Path] = []
    for part in spec.split(","):
        names = _numbers(part)
        if any(char in part for char in "*?["):
            names = sorted(found for name in names for found in glob.glob(name))
        paths += [Path(name) for name in names]
    missing = [path for path in paths if not path.is_file()]
    if missing or not paths:
        named = shown(str(missing[0])) if missing else shown(spec)
        raise DataError(f"no shard {named}. Expected a .tar or .tar.gz file, or a {{000..009}}.")
    return paths


def _numbers(spec: str) -> list[str]:
    """A pattern's {first..last} written out, with the width of its first number."""
    match = _RANGE.search(spec)
    if match is None:
        return [spec]
    first, last = match.groups()
    if int(last) - int(first) > 1_000_000:
        raise DataError(f"{{{first}..{last}}} names more than a million shards.")
    head, tail = spec[: match.start()], spec[match.end() :]
    return [
        whole
        for number in range(int(first), int(last) + 1)
        for whole in _numbers(f"{head}{number:0{len(first)}d}{tail}")
    ]


def shards(paths: list[Path], what: str) -> Listing:
    """All images of some shards, in the order in which they lie there.

    Members of a .tar are read from their place in the file; those of a compressed shard, which
    can only be read from its beginning, are kept in memory.

    Raises:
        DataError: a shard that cannot be read, no image, or compressed shards over 2 GiB.
    """
    listing = Listing(shown(what))
    memory = 0
    for path in paths:
        prefix = f"{path.name}:" if len(paths) > 1 else ""
        for piece in _members(path, prefix, listing):
            memory += len(piece.data or b"")
            if memory > _MOST_MEMORY:
                raise DataError(
                    f"{shown(str(path))}: compressed shards hold more than 2 GiB. Unpack them "
                    "to .tar (gunzip): those are read in place."
                )
            listing.pieces.append(piece)
    if not listing.pieces:
        looked = " ".join(EXTENSIONS)
        found = found_instead(listing.others)
        raise DataError(f"no images in {listing.what} (looked for {looked}, any case).{found}")
    return listing


def _members(path: Path, prefix: str, listing: Listing) -> Iterator[Piece]:
    whole = path.name.lower().endswith(".tar")
    try:
        with tarfile.open(path, "r:" if whole else "r:gz") as archive:
            for member in archive:
                ending = os.path.splitext(member.name)[1].lower()
                if member.isdir():
                    continue
                if ending not in EXTENSIONS:
                    listing.others[ending or "without extension"] += 1
                elif not member.isreg() or member.sparse is not None:
                    name = f"{prefix}{member.name}"
                    listing.skipped.append(Skipped(name, "a link or device in a shard", "link"))
                else:
                    yield _piece(archive, member, path, prefix, whole)
    except (tarfile.TarError, OSError, EOFError) as error:
        raise DataError(
            f"cannot read the shard {shown(str(path))}: {error}. Is it whole?"
        ) from error


def _piece(
    archive: tarfile.TarFile, member: tarfile.TarInfo, path: Path, prefix: str, whole: bool
) -> Piece:
    name = prefix + member.name.removeprefix("./")
    if whole:  # the children that open it may have been started in another folder
        return Piece(name, os.path.abspath(path), member.offset_data, member.size)
    if member.size > _MOST_MEMORY:
        raise DataError(f"{shown(str(path))}: a member is larger than 2 GiB.")
    file = archive.extractfile(member)
    return Piece(name, str(path), data=b"" if file is None else file.read())
