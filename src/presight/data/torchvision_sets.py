"""torchvision's data sets by name, from files on disk; fetched on request only."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from presight.data.decode import RULES, digest
from presight.data.source import Pixels, shown
from presight.data.targets import ClassTarget
from presight.errors import DataError, UsageError

_SPLITS: dict[str, dict[str, dict[str, Any]]] = {
    **{
        name: {"train": {"train": True}, "test": {"train": False}}
        for name in ("CIFAR10", "CIFAR100", "MNIST", "FashionMNIST", "KMNIST")
    },
    "STL10": {split: {"split": split} for split in ("train", "test", "unlabeled")},
    "SVHN": {split: {"split": split} for split in ("train", "test", "extra")},
}


class ArraySet:
    """A set whose images lie in one array.

    Args:
        name: for messages and the fingerprint.
        images: uint8 [N, h, w, 3].
        labels: int64 [N].
        classes: names of the classes.
    """

    task = "classification"

    def __init__(
        self,
        name: str,
        images: Pixels,
        labels: NDArray[np.int64],
        classes: tuple[str, ...],
    ) -> None:
        self.name, self.images, self.labels, self.classes = name, images, labels, classes

    def __len__(self) -> int:
        return len(self.images)

    def decode(self, i: int) -> Pixels:
        """Image i."""
        image: Pixels = self.images[i]
        return image

    def identity(self, i: int) -> str:
        """Name of the set and number."""
        return f"{self.name}-{i}"

    @property
    def sizes(self) -> NDArray[np.int64]:
        """[N, 2], height and width."""
        return np.tile(np.array(self.images.shape[1:3], dtype=np.int64), (len(self), 1))

    @property
    def fingerprint(self) -> str:
        """32 hex digits of all pixels, in order."""
        hasher = hashlib.blake2b(f"{self.name} {RULES}".encode(), digest_size=16)
        for image in self.images:
            hasher.update(digest(image.tobytes()).encode())
        return hasher.hexdigest()

    def target(self, i: int) -> ClassTarget:
        """The class of image i."""
        return ClassTarget(int(self.labels[i]))


def torchvision_set(text: str, *, download: bool = False, folder: Path | None = None) -> ArraySet:
    """A set by NAME or NAME:SPLIT; the split is train by default.

    Args:
        text: such as CIFAR10 or STL10:unlabeled.
        download: fetch what is not there.
        folder: where the files are; by default $PRESIGHT_DATA, else ./data.

    Raises:
        UsageError: a name or split that is not known.
        DataError: the files are not there, or are damaged.
    """
    name, _, split = text.partition(":")
    split = split or "train"
    if name not in _SPLITS:
        known = ", ".join(_SPLITS)
        raise UsageError(f"no torchvision:{shown(name)} here. Known are {known}.")
    if split not in _SPLITS[name]:
        known = ", ".join(_SPLITS[name])
        raise UsageError(f"torchvision:{name} has no split {shown(split)}; it has {known}.")
    root = folder or Path(os.environ.get("PRESIGHT_DATA", "data"))
    data = _load(name, split, root, download)
    images = _rgb(np.asarray(data.data), name)
    targets = getattr(data, "targets", None)
    labels = np.asarray(data.labels if targets is None else targets, dtype=np.int64)
    classes = getattr(data, "classes", None) or [str(n) for n in range(int(labels.max()) + 1)]
    return ArraySet(f"{name}-{split}", images, labels, tuple(classes))


def _load(name: str, split: str, root: Path, download: bool) -> Any:
    from torchvision import datasets

    try:
        return getattr(datasets, name)(str(root), download=download, **_SPLITS[name][split])
    except (RuntimeError, OSError, ImportError) as error:
        if not download:
            raise DataError(
                f"torchvision:{name} is not under {shown(str(root))}/ or is damaged. Set "
                "PRESIGHT_DATA to its folder, or --download to fetch it."
            ) from error
        raise DataError(f"torchvision:{name} could not be fetched: {error}") from error


def _rgb(data: Pixels, name: str) -> Pixels:
    """[N, h, w, 3]: gray sets in three channels, channels last."""
    if data.ndim == 3:
        return np.repeat(data[..., None], 3, axis=3)
    if name in ("STL10", "SVHN"):
        return np.ascontiguousarray(data.transpose(0, 2, 3, 1))
    return data
