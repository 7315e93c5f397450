"""Small files that the data tests share."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def pixels(height: int = 24, width: int = 32, seed: int = 0) -> NDArray[np.uint8]:
    """Smooth colored blots, so that JPEG keeps them closely."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (4, 4, 3), dtype=np.uint8))
    return np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC))


def encoded(image: Image.Image | NDArray[np.uint8], kind: str = "PNG", **options: object) -> bytes:
    """An image's file."""
    if not isinstance(image, Image.Image):
        image = Image.fromarray(image)
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def write(path: Path, data: bytes | None = None, seed: int = 0) -> Path:
    """A file, with its folders; a small PNG by default."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encoded(pixels(seed=seed)) if data is None else data)
    return path


def tar(path: Path, members: dict[str, bytes], mode: str = "w") -> Path:
    """A shard."""
    with tarfile.open(path, mode) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path
