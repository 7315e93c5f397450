"""Named tensors in safetensors files. The only module of the store that knows torch."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from presight.errors import IntegrityError
from presight.store import atomic

MAX_HEADER_BYTES = 4 << 20
MAX_TENSORS = 20_000
MAX_DIMENSIONS = 64


def save_tensors(
    path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None
) -> None:
    """Write tensors by name, whole or not at all. Tensors that share memory are written apart.

    Raises:
        RunError: the disk is full or refuses.
    """
    atomic.write_bytes(path, encode(tensors, metadata))


def encode(tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> bytes:
    """The bytes of a safetensors file."""
    if len(tensors) > MAX_TENSORS:
        raise ValueError(f"{len(tensors)} tensors; at most {MAX_TENSORS} go into one file.")
    plain = {name: _own(tensor) for name, tensor in tensors.items()}
    data: bytes = safetensors.torch.save(plain, dict(metadata) if metadata else None)
    return data


def _own(tensor: Tensor) -> Tensor:
    """The tensor on the CPU, contiguous, in memory that no other tensor of the file shares."""
    own = tensor.detach().to("cpu").contiguous()
    return own.clone() if own.untyped_storage().nbytes() != own.nbytes or own is tensor else own


def load_tensors(path: Path, device: str | torch.device = "cpu") -> dict[str, Tensor]:
    """All tensors of a file.

    Raises:
        IntegrityError: the file is no sound safetensors file, or its header is beyond reason.
    """
    path = Path(path)
    check_header(path)
    try:
        # Not mapped into memory: a mapped file that is cut later would kill the process.
        loaded: dict[str, Tensor] = safetensors.torch.load(path.read_bytes())
    except (safetensors.SafetensorError, ValueError, KeyError, OverflowError, OSError) as error:
        raise _broken(path, str(error)) from None
    return {name: tensor.to(device) for name, tensor in loaded.items()}


def read_metadata(path: Path) -> dict[str, str]:
    """The words that were saved with the tensors.

    Raises:
        IntegrityError: as for `load_tensors`.
    """
    metadata = check_header(Path(path)).get("__metadata__", {})
    return {str(key): str(value) for key, value in metadata.items()}


def digest(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 over names, types, shapes and bits, in the order of the names."""
    total = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().to("cpu").contiguous()
        total.update(json.dumps([name, str(tensor.dtype), list(tensor.shape)]).encode())
        total.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return total.hexdigest()


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
                raise _broken(path, f"a header of {length} bytes in a file of {total}")
            header = json.loads(file.read(length).decode("utf-8"))
    except OSError as error:
        raise _broken(path, error.strerror or str(error)) from None
    except (ValueError, RecursionError):
        raise _broken(path, "a header that is no JSON") from None
    if not isinstance(header, dict) or not all(isinstance(v, dict) for v in header.values()):
        raise _broken(path, "a header that is no table")
    if len(header) > MAX_TENSORS + 1:
        raise _broken(path, f"{len(header)} tensors; at most {MAX_TENSORS} are read")
    _check_entries(path, header, total - 8 - length)
    return header


def _check_entries(path: Path, header: Mapping[str, dict[str, object]], room: int) -> None:
    spans: list[tuple[int, ...]] = []
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        shape, span = _counts(entry.get("shape")), _counts(entry.get("data_offsets"))
        if shape is None or span is None or len(span) != 2:
            raise _broken(path, f"tensor {name[:80]!r} without shape and place")
        if math.prod(shape) > 8 * room:
            raise _broken(path, f"tensor {name[:80]!r} of shape {str(shape)[:80]}")
        spans.append(span)
    end = 0
    for start, stop in sorted(spans):
        if start != end or stop < start:
            raise _broken(path, "tensors that overlap or leave a gap")
        end = stop
    if end != room:
        raise _broken(path, f"{room} bytes of data where {end} were announced")


def _counts(value: object) -> tuple[int, ...] | None:
    """The list as whole numbers of a sane size, or None."""
    if not isinstance(value, list) or len(value) > MAX_DIMENSIONS:
        return None
    if any(type(item) is not int or not 0 <= item < 1 << 62 for item in value):
        return None
    return tuple(value)


def _broken(path: Path, what: str) -> IntegrityError:
    return IntegrityError(
        f"{path} is no sound safetensors file: {what[:200]}. "
        "Restore it from a copy, or write it anew."
    )
