"""The one way to the disk: every file appears whole or not at all.

temporary name in the same folder -> write -> fsync -> rename -> fsync of the folder. A crash at
any moment leaves the old file or the new one, and at most a temporary that `sweep` removes.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import secrets
import socket
import stat
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from presight.errors import RunError
from presight.store.plain import as_json
from presight.store.primitives import (
    cut_file,
    ensure_space,
    explained,
    fsync,
    fsync_folder,
    make_one_folder,
    open_file,
    rename,
    unlink,
    write_all,
)

__all__ = [
    "alive",
    "append",
    "aside_of",
    "cut",
    "discard_folder",
    "ensure_space",
    "host_hash",
    "is_temporary",
    "json_text",
    "make_folder",
    "move",
    "new_folder",
    "remove_tree",
    "replace_folder",
    "sweep",
    "write_bytes",
    "write_json",
    "write_text",
]

_SILENT_SECONDS = 600.0
"""After this a temporary of another machine counts as left behind."""

_live: set[Path] = set()
"""Temporaries that this process is writing now."""


@cache
def host_hash() -> str:
    """Sixteen hexadecimal digits that tell machines apart without naming them."""
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:16]


def alive(pid: int) -> bool:
    """Whether a process of this machine has the number `pid`."""
    if pid <= 0:
        return False
    if os.name == "nt":  # asking would end the process there
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


_TEMPORARY = re.compile(r"\.presight-([0-9a-f]{16})-(\d+)-[0-9a-f]{8}\.tmp")
_ASIDE = re.compile(r"\.(.+)\.presight-aside")


def _temporary(folder: Path) -> Path:
    name = f".presight-{host_hash()}-{os.getpid()}-{secrets.token_hex(4)}.tmp"
    return folder / name


def aside_of(final: Path) -> Path:
    """Where a folder waits while another takes its place."""
    return final.with_name(f".{final.name}.presight-aside")


def is_temporary(name: str) -> bool:
    """Whether a file or folder of this name is a temporary of ours."""
    return bool(_TEMPORARY.fullmatch(name) or _ASIDE.fullmatch(name))


def _is_stale(path: Path) -> bool:
    """Whether nobody writes this temporary any more, as far as this machine can know."""
    match = _TEMPORARY.fullmatch(path.name)
    if match is None or path in _live:
        return False
    if match[1] != host_hash():
        with contextlib.suppress(OSError):
            return time.time() - path.lstat().st_mtime > _SILENT_SECONDS
        return False
    return int(match[2]) == os.getpid() or not alive(int(match[2]))


def sweep(folder: Path) -> list[Path]:
    """Remove what killed writers left under `folder`; call it with the folder's lock held.

    A folder that was moved aside and never replaced goes back to its name.

    Returns:
        The temporaries that were removed or put back.
    """
    found = []
    for root, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            path = Path(root, name)
            if match := _ASIDE.fullmatch(name):
                final = path.with_name(match[1])
                with explained(path):
                    remove_tree(path) if final.exists() else rename(path, final)
            elif _is_stale(path):
                remove_tree(path)
            else:
                continue
            found.append(path)
        folders[:] = [name for name in folders if not is_temporary(name)]
    return found


def write_bytes(path: Path, data: bytes | bytearray | memoryview) -> None:
    """Write a file whole: after a crash it holds the old content or the new one.

    Raises:
        RunError: the disk is full or refuses; the old content is still there.
    """
    path = Path(path)
    view = memoryview(data).cast("B")
    with explained(path, len(view)):
        if path.exists() and not stat.S_ISREG(path.stat().st_mode):
            raise OSError(errno.EEXIST, "it exists and is no regular file")
        temporary = _temporary(path.parent)
        _live.add(temporary)
        try:
            handle = open_file(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
            try:
                write_all(handle, view)
                fsync(handle)
            finally:
                os.close(handle)
            rename(temporary, path)
        except OSError:
            with contextlib.suppress(OSError):
                unlink(temporary)
            raise
        finally:
            _live.discard(temporary)
        fsync_folder(path.parent)


def write_text(path: Path, text: str) -> None:
    """Write a text file whole, UTF-8, with the line ends given."""
    write_bytes(path, text.encode("utf-8"))


def json_text(value: object) -> str:
    """What `write_json` writes."""
    return as_json(value, indent=2) + "\n"


def write_json(path: Path, value: object) -> None:
    """Write a JSON file whole; NaN and infinities as `plain.finite` says."""
    write_text(path, json_text(value))


def append(path: Path, data: bytes) -> None:
    """Append bytes by one write; after a crash a part of them may be there."""
    path = Path(path)
    with explained(path, len(data)):
        handle = open_file(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            write_all(handle, memoryview(data))
        finally:
            os.close(handle)


def cut(path: Path, size: int) -> None:
    """Shorten a file to `size` bytes; a shorter file stays as it is."""
    path = Path(path)
    with explained(path):
        handle = open_file(path, os.O_WRONLY)
        try:
            if os.fstat(handle).st_size > size:
                cut_file(handle, size)
                fsync(handle)
        finally:
            os.close(handle)


def make_folder(path: Path) -> None:
    """Make a folder and its parents; one that is there is fine.

    Raises:
        RunError: it cannot be made, or is no folder.
    """
    path = Path(path)
    missing = [p for p in (path, *path.parents) if not p.exists()]
    with explained(path):
        for folder in reversed(missing):
            make_one_folder(folder)
            fsync_folder(folder.parent)
        if not path.is_dir():
            raise OSError(errno.ENOTDIR, "it exists and is no folder")


def remove_tree(path: Path) -> None:
    """Remove a file or a folder with all that is in it; links are removed, never followed."""
    with explained(path):
        if path.is_dir() and not path.is_symlink():
            for child in path.iterdir():
                remove_tree(child)
        unlink(path)


def discard_folder(path: Path) -> None:
    """Remove a folder that must never be seen with half of its files: it loses its name first."""
    doomed = _temporary(path.parent)
    with explained(path):
        rename(path, doomed)
    remove_tree(doomed)


@contextlib.contextmanager
def new_folder(final: Path) -> Iterator[Path]:
    """A temporary folder that becomes `final` when the block ends well, and else goes away."""
    temporary = _temporary(final.parent)
    _live.add(temporary)
    try:
        make_folder(temporary)
        yield temporary
        replace_folder(temporary, final)
    except Exception:
        with contextlib.suppress(RunError):
            remove_tree(temporary)
        raise
    finally:
        _live.discard(temporary)


def move(source: Path, target: Path) -> None:
    """Rename a file or folder; the target must not exist."""
    with explained(target):
        if target.exists():
            raise OSError(errno.EEXIST, "it exists")
        rename(source, target)
        fsync_folder(target.parent)


def replace_folder(temporary: Path, final: Path) -> None:
    """Give a written folder its final name; one that stands there goes when the new one is in.

    Raises:
        RunError: the disk refuses; the old folder is back at its name, or `sweep` puts it back.
    """
    aside = aside_of(final)
    with explained(final):
        fsync_folder(temporary)
        if final.exists():
            if aside.exists():
                remove_tree(aside)
            rename(final, aside)
        try:
            rename(temporary, final)
        except OSError:
            if aside.exists() and not final.exists():
                with contextlib.suppress(OSError):
                    rename(aside, final)
            raise
        fsync_folder(final.parent)
        if aside.exists():
            remove_tree(aside)
