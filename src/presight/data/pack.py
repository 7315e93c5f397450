"""A pack: every image of a source decoded once, in one file that is mapped into memory.

It lies in the user's cache folder, never among the images, under a name made of the source's
fingerprint, the side and the version of the rules: another source or side is another pack.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from presight.data.decode import RULES, fitted
from presight.data.fill import fill, offsets_of
from presight.data.pool import Progress
from presight.data.source import Pixels, Sized, Source
from presight.errors import DataError
from presight.store import atomic

_LAYOUT = 1
_PIXELS, _SIZES, _ABOUT = "pixels.bin", "sizes.bin", "about.json"
_LOCK = ".lock"


@dataclass(frozen=True)
class Pack:
    """Decoded images in a memory map.

    Args:
        pixels: uint8, flat.
        sizes: int64 [N, 2], height and width.
        offsets: int64 [N], where each image begins.
        equal: uint8 [N, h, w, 3] where all images have one size and none is replaced.
        replaced: samples that could not be read and show their successor instead.
    """

    pixels: NDArray[np.uint8]
    sizes: NDArray[np.int64]
    offsets: NDArray[np.int64]
    equal: Pixels | None
    replaced: tuple[int, ...]

    def image(self, i: int) -> Pixels:
        """Image i, uint8 [h, w, 3], a view of the map."""
        height, width = self.sizes[i]
        start = self.offsets[i]
        return self.pixels[start : start + height * width * 3].reshape(height, width, 3)


def source_sizes(source: Source) -> NDArray[np.int64]:
    """[N, 2], height and width; by decoding where the source does not know them."""
    if isinstance(source, Sized):
        return source.sizes
    pairs = [source.decode(i).shape[:2] for i in range(len(source))]
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def kept_sizes(source: Source, side: int) -> NDArray[np.int64]:
    """[N, 2], height and width of each image with a short side of at most `side`."""
    pairs = [fitted(int(height), int(width), side) for height, width in source_sizes(source)]
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def pack(
    source: Source,
    *,
    side: int,
    cache_dir: Path,
    workers: int,
    progress: Progress | None = None,
    max_bad_fraction: float = 0.01,
) -> Pack:
    """The source's pack, made now where it is not in the cache yet.

    Args:
        source: the images.
        side: largest short side, pixels; smaller images keep their size.
        cache_dir: folder of packs.
        workers: decoding processes.
        progress: called with images done and in all.
        max_bad_fraction: stop where more than this share cannot be decoded.

    Raises:
        DataError: too much that cannot be decoded.
        RunError: the disk is full or refuses.
    """
    final = _place(source, side, cache_dir)
    found = _read(final)
    if found is not None:
        return found
    atomic.make_folder(final.parent)
    with FileLock(final.with_name(_LOCK)):  # another process may be making the same pack
        found = _read(final)
        if found is not None:
            return found
        atomic.sweep(final.parent)
        with atomic.new_folder(final) as folder:
            _make(source, side, folder, workers, progress, max_bad_fraction)
        made = _read(final)
    if made is None:
        raise DataError(f"the pack {final} vanished while it was made; give the command again.")
    return made


def packed(source: Source, *, side: int, cache_dir: Path) -> bool:
    """Whether the source's pack is in the cache."""
    return _read(_place(source, side, cache_dir)) is not None


def _place(source: Source, side: int, cache_dir: Path) -> Path:
    name = f"{source.fingerprint}:{side}:{RULES}:{_LAYOUT}"
    return cache_dir / hashlib.blake2b(name.encode(), digest_size=16).hexdigest() / "pack"


def _read(folder: Path) -> Pack | None:
    """A pack on disk, or None where none is whole."""
    try:
        about = json.loads((folder / _ABOUT).read_text())
        sizes = np.fromfile(folder / _SIZES, dtype="<i8").reshape(-1, 2)
        whole = (folder / _PIXELS).stat().st_size == about["bytes"]
    except (OSError, ValueError, KeyError):
        return None
    if not whole or not len(sizes):
        return None
    pixels = np.memmap(folder / _PIXELS, dtype=np.uint8, mode="r")
    offsets = offsets_of(sizes)
    if about["rows"]:  # replaced samples point at others
        rows = np.arange(len(sizes))
        rows[[bad for bad, _ in about["rows"]]] = [good for _, good in about["rows"]]
        sizes, offsets = sizes[rows], offsets[rows]
    same = not about["rows"] and bool((sizes == sizes[0]).all())
    equal = pixels.reshape(len(sizes), *sizes[0], 3) if same else None
    return Pack(pixels, sizes, offsets, equal, tuple(bad for bad, _ in about["rows"]))


def _make(
    source: Source,
    side: int,
    folder: Path,
    workers: int,
    progress: Progress | None,
    max_bad_fraction: float,
) -> None:
    """Decode everything into a folder."""
    sizes = kept_sizes(source, side)
    total = int(sizes.prod(1).sum()) * 3
    atomic.ensure_space(folder, total)
    path = folder / _PIXELS
    atomic.write_bytes(path, b"")
    os.truncate(path, total)
    failed = fill(source, side, path, sizes, workers, progress)
    rows = _replacements(failed, len(source), max_bad_fraction)
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    atomic.write_bytes(folder / _SIZES, sizes.astype("<i8").tobytes())
    atomic.write_json(folder / _ABOUT, {"bytes": total, "side": side, "rows": rows})


def _replacements(
    failed: dict[int, str], count: int, max_bad_fraction: float
) -> list[tuple[int, int]]:
    """For each image that cannot be decoded the next one that can."""
    if failed and (len(failed) > max(1, max_bad_fraction * count) or len(failed) == count):
        reason = next(iter(failed.values()))
        raise DataError(
            f"{len(failed):,} of {count:,} unreadable ({100 * len(failed) / count:.2g} %), the "
            f"first because: {reason}. Repair or remove them, or raise --max-bad-fraction."
        )
    rows = []
    for bad in sorted(failed):
        good = bad
        while good in failed:
            good = (good + 1) % count
        rows.append((bad, good))
    return rows
