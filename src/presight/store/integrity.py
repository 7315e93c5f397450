"""Manifests: the size and SHA-256 of every file of a folder, and what no longer matches them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from presight.errors import IntegrityError
from presight.store import atomic

MANIFEST = "MANIFEST.json"
LAYOUT = 1

Kind = Literal[
    "missing", "truncated", "altered", "unreadable", "damaged", "extra", "temporary", "cut", "note"
]
HARMLESS: tuple[Kind, ...] = ("extra", "temporary", "cut", "note")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be.

    Args:
        path: the file, as seen from the folder that was asked about.
        kind: what is wrong with it.
        text: the same in words.
    """

    path: str
    kind: Kind
    text: str

    @property
    def broken(self) -> bool:
        """Whether content is lost; the rest goes away by itself or does no harm."""
        return self.kind not in HARMLESS

    def __str__(self) -> str:
        line = f"{'BROKEN' if self.broken else 'note'}  {self.path}: {self.text}"
        return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in line)

    def under(self, folder: str) -> Finding:
        """The same, as seen from the folder above."""
        return Finding(f"{folder}/{self.path}", self.kind, self.text)


@dataclass(frozen=True, slots=True)
class Entry:
    """A file's size in bytes and SHA-256, hexadecimal."""

    size: int
    sha256: str


def entry(data: bytes) -> Entry:
    """The entry of bytes that are about to be written."""
    return Entry(len(data), hashlib.sha256(data).hexdigest())


def entry_of(path: Path) -> Entry:
    """The entry of a file as it lies on the disk."""
    total, size = hashlib.sha256(), 0
    with open(path, "rb") as file:
        while chunk := file.read(4 << 20):
            total.update(chunk)
            size += len(chunk)
    return Entry(size, total.hexdigest())


def write_manifest(folder: Path, entries: Mapping[str, Entry]) -> None:
    """Write the manifest of a folder."""
    files = {
        name: {"size": one.size, "sha256": one.sha256} for name, one in sorted(entries.items())
    }
    atomic.write_json(Path(folder) / MANIFEST, {"layout": LAYOUT, "files": files})


def seal(folder: Path, names: Iterable[str]) -> None:
    """Write the manifest of those of the named files that are there."""
    folder = Path(folder)
    present = [name for name in names if (folder / name).is_file()]
    write_manifest(folder, {name: entry_of(folder / name) for name in present})


def read_manifest(folder: Path) -> dict[str, Entry]:
    """The manifest of a folder.

    Raises:
        IntegrityError: there is none, or it is damaged.
    """
    path = Path(folder) / MANIFEST
    try:
        text = path.read_text(encoding="utf-8")
        told = json.loads(text)
        if not text.endswith("\n") or set(told) != {"layout", "files"} or told["layout"] != LAYOUT:
            raise ValueError("keys")
        return {_plain(name): _entry(one) for name, one in told["files"].items()}
    except FileNotFoundError:
        raise IntegrityError(f"{path} is missing: nothing beside it can be trusted.") from None
    except OSError as error:
        raise IntegrityError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise IntegrityError(f"{path} is damaged: nothing beside it can be trusted.") from None


def _plain(name: str) -> str:
    if not name or name in (".", "..") or any(c in name for c in "/\\\0:"):
        raise ValueError("a manifest names files of its own folder only")
    return name


def _entry(told: Mapping[str, object]) -> Entry:
    size, digest = told["size"], told["sha256"]
    if type(size) is not int or not isinstance(digest, str) or len(told) != 2:
        raise ValueError("entry")
    return Entry(size, digest)


def verify(folder: Path) -> list[Finding]:
    """Compare every file of a folder with the folder's manifest.

    Returns:
        What does not match; empty where all is sound.
    """
    folder = Path(folder)
    try:
        entries = read_manifest(folder)
    except IntegrityError as error:
        kind: Kind = "damaged" if (folder / MANIFEST).exists() else "missing"
        return [Finding(MANIFEST, kind, str(error))]
    return [found for name, one in entries.items() if (found := _compare(folder / name, one))]


def _compare(path: Path, expected: Entry) -> Finding | None:
    name = path.name
    try:
        if not path.is_file():
            return Finding(name, "missing", "it is missing")
        size = path.stat().st_size
        if size < expected.size:
            return Finding(name, "truncated", f"{size} bytes of {expected.size} are left")
        if size > expected.size:
            return Finding(name, "altered", f"{size} bytes where {expected.size} were written")
        if entry_of(path) != expected:
            return Finding(name, "altered", "its SHA-256 is not the one that was written")
    except OSError as error:
        return Finding(name, "unreadable", f"it cannot be read: {error.strerror or error}")
    return None


def extras(folder: Path, known: Iterable[str]) -> list[Finding]:
    """Files and temporaries in a folder that are not `known`."""
    names = {*known, MANIFEST}
    found = []
    for path in sorted(Path(folder).iterdir()):
        if atomic.is_temporary(path.name):
            text = "left by a write that was cut; the next start removes it"
            found.append(Finding(path.name, "temporary", text))
        elif path.name not in names:
            found.append(Finding(path.name, "extra", "presight did not write it"))
    return found
