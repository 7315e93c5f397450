"""Headers of safetensors files, checked before anything is allocated. No torch."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path

from presight.errors import IntegrityError

MAX_HEADER_BYTES = 4 << 20
MAX_TENSORS = 20_000
MAX_DIMENSIONS = 64


def check_header(path: Path) -> dict[str, dict[str, object]]:
    """The header of a file, checked against the file's size before anything is allocated.

    Raises:
        IntegrityError: it is too large, no JSON, or does not describe the bytes that follow.
    """
    try:
        total = path.stat().st_size
        with open(path, "rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if total < 8 or length > min(MAX_HEADER_BYTES, total - 8):
                raise unsound(path, f"a header of {length} bytes in a file of {total}")
            header = json.loads(file.read(length).decode("utf-8"))
    except OSError as error:
        raise unsound(path, error.strerror or str(error)) from None
    except (ValueError, RecursionError):
        raise unsound(path, "a header that is no JSON") from None
    if not isinstance(header, dict) or not all(isinstance(v, dict) for v in header.values()):
        raise unsound(path, "a header that is no table")
    if len(header) > MAX_TENSORS + 1:
        raise unsound(path, f"{len(header)} tensors; at most {MAX_TENSORS} are read")
    _check_entries(path, header, total - 8 - length)
    return header


def _check_entries(path: Path, header: Mapping[str, dict[str, object]], room: int) -> None:
    spans: list[tuple[int, ...]] = []
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        shape, span = _counts(entry.get("shape")), _counts(entry.get("data_offsets"))
        if shape is None or span is None or len(span) != 2:
            raise unsound(path, f"tensor {name[:80]!r} without shape and place")
        if math.prod(shape) > 8 * room:
            raise unsound(path, f"tensor {name[:80]!r} of shape {str(shape)[:80]}")
        spans.append(span)
    end = 0
    for start, stop in sorted(spans):
        if start != end or stop < start:
            raise unsound(path, "tensors that overlap or leave a gap")
        end = stop
    if end != room:
        raise unsound(path, f"{room} bytes of data where {end} were announced")


def _counts(value: object) -> tuple[int, ...] | None:
    """The list as whole numbers of a sane size, or None."""
    if not isinstance(value, list) or len(value) > MAX_DIMENSIONS:
        return None
    if any(type(item) is not int or not 0 <= item < 1 << 62 for item in value):
        return None
    return tuple(value)


def unsound(path: Path, what: str) -> IntegrityError:
    """What is raised for a file that cannot be trusted."""
    return IntegrityError(
        f"{path} is no sound safetensors file: {what[:200]}. "
        "Restore it from a copy, or write it anew."
    )


def read_metadata(path: Path) -> dict[str, str]:
    """The words that were saved with the tensors.

    Raises:
        IntegrityError: the header is not sound.
    """
    metadata = check_header(Path(path)).get("__metadata__", {})
    return {str(key): str(value) for key, value in metadata.items()}
