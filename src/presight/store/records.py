"""JSON lines: one object a line, one write a line."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from presight.errors import IntegrityError
from presight.store import atomic
from presight.store.plain import as_json


def size(path: Path) -> int:
    """Bytes of the file; 0 where there is none."""
    path = Path(path)
    return path.stat().st_size if path.exists() else 0


def _ends_inside_a_line(path: Path) -> bool:
    try:
        with open(path, "rb") as file:
            if file.seek(0, os.SEEK_END) == 0:
                return False
            file.seek(-1, os.SEEK_END)
            return file.read(1) != b"\n"
    except FileNotFoundError:
        return False


def append(path: Path, record: Mapping[str, object]) -> None:
    """Add a record. A line that a crash cut stays apart: the record starts on a fresh one.

    NaN and infinities become null and a word beside: {"loss": null, "loss_is": "nan"}.

    Raises:
        RunError: the disk is full or refuses.
    """
    path = Path(path)
    line = as_json(record) + "\n"
    start = "\n" if _ends_inside_a_line(path) else ""
    atomic.append(path, (start + line).encode("utf-8"))


def terminated(path: Path) -> bool:
    """Whether the file ends with a whole line."""
    return not _ends_inside_a_line(Path(path))


def read(path: Path) -> Iterator[dict[str, object]]:
    """The records of a file; none where there is no file.

    An unterminated last line is ignored. So is a line that ends inside a JSON value: a crash cut
    it, and the writer went on below.

    Raises:
        IntegrityError: a line is no JSON and was not cut.
    """
    path = Path(path)
    if not path.exists():
        return
    with open(path, "rb") as file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                return
            record = _record(line, f"{path}, line {number}")
            if record is not None:
                yield record


def _record(line: bytes, where: str) -> dict[str, object] | None:
    if not line.strip():
        return None
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        if line.lstrip().startswith(b"{") and not line.rstrip().endswith(b"}"):
            return None
        raise IntegrityError(
            f"{where} is no JSON object: {line[:40]!r}. One object a line was expected; "
            "remove the line, or restore the file."
        ) from None
    if not isinstance(record, dict):
        raise IntegrityError(f"{where} is no JSON object: {line[:40]!r}. Remove the line.")
    return record


def cut_lines(path: Path) -> int:
    """Number of lines inside the file that a crash cut, and that `read` passes over."""
    path = Path(path)
    if not path.exists():
        return 0
    with open(path, "rb") as file:
        whole = sum(1 for line in file if line.endswith(b"\n") and line.strip())
    return whole - sum(1 for _ in read(path))


def truncate(path: Path, offset: int) -> None:
    """Cut the file back to `offset` bytes, which is where a checkpoint saw its end."""
    if size(path) > offset:
        atomic.cut(Path(path), offset)
