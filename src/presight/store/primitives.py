"""The calls that change the disk, each counted for planned faults, and what they say on failure."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from presight.errors import RunError
from presight.store.faults import hit

_CHUNK = 8 << 20
_FLAGS = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def human(count: int) -> str:
    """Bytes as people say them: 1.9 GB, 12 MB, 340 kB."""
    for size, unit in ((10**9, "GB"), (10**6, "MB")):
        if count >= size / 10:
            return f"{count / size:.1f} {unit}"
    return f"{count / 1000:.1f} kB"


def open_file(path: Path, flags: int) -> int:
    """A handle of a file; a new one gets the mode that the umask leaves."""
    hit("open")
    return os.open(path, flags | _FLAGS, 0o666)


def write_all(handle: int, data: memoryview) -> None:
    """Write all bytes; a planned fault leaves half a chunk, as a kill may."""
    while data:
        chunk = data[:_CHUNK]

        def half(chunk: memoryview = chunk) -> int:
            return os.write(handle, chunk[: len(chunk) // 2])

        hit("write", half)
        data = data[os.write(handle, chunk) :]


def fsync(handle: int) -> None:
    """Wait until the file is on the disk."""
    hit("fsync")
    os.fsync(handle)


def rename(source: Path, target: Path) -> None:
    """Give a file or folder another name; a file of that name is replaced."""
    hit("rename")
    os.replace(source, target)


def unlink(path: Path) -> None:
    """Remove a file, or an empty folder."""
    hit("unlink")
    if path.is_dir() and not path.is_symlink():
        path.rmdir()
    else:
        path.unlink(missing_ok=True)


def make_one_folder(path: Path) -> None:
    """Make a folder whose parent is there."""
    hit("mkdir")
    path.mkdir(exist_ok=True)


def cut_file(handle: int, size: int) -> None:
    """Shorten an open file."""
    hit("write")
    os.ftruncate(handle, size)


def fsync_folder(path: Path) -> None:
    """Wait until the names in a folder are on the disk."""
    if os.name == "nt":  # folders cannot be opened there
        return
    handle = os.open(path, os.O_RDONLY | _FLAGS)
    try:
        fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems
            raise
    finally:
        os.close(handle)


def _refused(path: Path, error: OSError, needed: int = 0) -> RunError:
    if error.errno in _FULL:
        free = human(free_bytes(path.parent))
        wants = f"needs {human(needed)}" if needed else "needs more space"
        return RunError(
            f"the disk under {path.parent} is full: {wants}, free {free}. "
            "Make room and give the same command again."
        )
    return RunError(
        f"cannot write {path}: {error.strerror or error}. "
        "A folder that this user may write to was expected; choose another with --out."
    )


def free_bytes(folder: Path) -> int:
    """Free room on the disk that holds `folder`, which need not exist yet."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free


def ensure_space(folder: Path, needed_bytes: int) -> None:
    """Check that the disk under `folder` has room.

    Raises:
        RunError: it has less than `needed_bytes` free.
    """
    free = free_bytes(folder)
    if free < needed_bytes:
        raise RunError(
            f"the disk under {folder} is nearly full: needs {human(needed_bytes)}, "
            f"free {human(free)}. Make room and give the same command again."
        )


@contextlib.contextmanager
def explained(path: Path, needed: int = 0) -> Iterator[None]:
    """Turn the system's errors into a `RunError` that says what to do."""
    try:
        yield
    except OSError as error:
        raise _refused(path, error, needed) from error
