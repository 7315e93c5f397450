"""Named tensors in safetensors files. The only module of the store that knows torch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from presight.store import atomic
from presight.store.header import MAX_TENSORS, check_header, read_metadata, unsound

__all__ = ["digest", "encode", "load_tensors", "read_metadata", "save_tensors"]


def save_tensors(
    path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None
) -> None:
    """Write tensors by name, whole or not at all. Tensors that share memory are written apart.

    Raises:
        RunError: the disk is full or refuses.
    """
    atomic.write_bytes(path, encode(tensors, metadata))


def encode(tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> bytes:
    """The bytes of a safetensors file; the same for the same tensors and metadata."""
    if len(tensors) > MAX_TENSORS:
        raise ValueError(f"{len(tensors)} tensors; at most {MAX_TENSORS} go into one file.")
    seen: set[int] = set()
    plain = {name: _own(tensor, seen) for name, tensor in tensors.items()}
    data: bytes = safetensors.torch.save(plain, dict(metadata) if metadata else None)
    return _in_order(data) if metadata else data


def _in_order(data: bytes) -> bytes:
    """The file with its metadata by name: the library writes them in another order each time."""
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:end])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the format wants its data aligned to 8 bytes
    return b"".join((len(text).to_bytes(8, "little"), text, memoryview(data)[end:]))


def _own(tensor: Tensor, seen: set[int]) -> Tensor:
    """The tensor on the CPU, contiguous, in memory that no tensor before it has."""
    own = tensor.detach().to("cpu").contiguous()
    storage = own.untyped_storage()
    if storage.nbytes() != own.nbytes or storage.data_ptr() in seen:
        return own.clone()
    seen.add(storage.data_ptr())
    return own


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
        raise unsound(path, str(error)) from None
    return {name: tensor.to(device) for name, tensor in loaded.items()}


def digest(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 over names, types, shapes and bits, in the order of the names."""
    total = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().to("cpu").contiguous()
        total.update(json.dumps([name, str(tensor.dtype), list(tensor.shape)]).encode())
        total.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return total.hexdigest()
