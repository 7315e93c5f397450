"""Scenes as a labelled source: `scenes:N?size=64&seed=0&factors=TCVL&objects=1&split=train`."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qsl

import numpy as np
import torch
from numpy.typing import NDArray

from presight.data.scenes.factors import FACTORS, VERSION, Kind, labels_of
from presight.data.scenes.render import Rendered, render
from presight.data.scenes.shapes import CLASSES, SPLITS
from presight.data.source import Pixels
from presight.data.targets import ClassTarget
from presight.errors import UsageError

BLOCK = 32
"""Scenes rendered at a time; pictures do not depend on it, speed does."""

_LABELS = 1000
_DEFAULT_FACTORS = "TCVL"
_RANGES = {
    "count": (1, 10_000_000),
    "size": (16, 512),
    "seed": (0, 2**31),
    "objects": (1, 4),
}


@dataclass(frozen=True)
class Scenes:
    """Rendered scenes by number: image i is a pure function of everything but the count.

    A scene shows one to four objects of ten classes. Its label is the class of its first object.

    Args:
        count: number of scenes.
        size: side, pixels.
        seed: other seeds, other scenes.
        factors: letters of what varies: T texture, C color, V viewpoint, L light, D distance;
            "" for none.
        objects: how many in a scene, 1 to 4.
        split: whose shapes are shown: train, validation or test; no shape is in two of them.

    Raises:
        UsageError: a value out of range.
    """

    count: int
    size: int = 64
    seed: int = 0
    factors: str = _DEFAULT_FACTORS
    objects: int = 1
    split: str = "train"

    task = "classification"
    classes = CLASSES

    def __post_init__(self) -> None:
        for name, (low, high) in _RANGES.items():
            if not low <= getattr(self, name) <= high:
                raise UsageError(_wrong(name, str(getattr(self, name))))
        letters = "".join(letter for letter in FACTORS if letter in self.factors)
        if len(letters) != len(self.factors):
            raise UsageError(
                f"scenes: factors is {self.factors!r}; some of the letters {FACTORS}, each once, "
                "were expected, or none: T texture, C color, V viewpoint, L light, D distance."
            )
        if self.split not in SPLITS:
            raise UsageError(f"scenes: split is {self.split!r}; {', '.join(SPLITS)} are known.")
        object.__setattr__(self, "factors", letters)

    @classmethod
    def parse(cls, text: str) -> Scenes:
        """From what follows `scenes:`, such as 20000 or 20000?size=32&objects=4&factors=none.

        Raises:
            UsageError: a value out of range, or an option that is not known.
        """
        number, _, rest = text.partition("?")
        values = {"count": number}
        known = ("size", "seed", "factors", "objects", "split")
        for name, value in parse_qsl(rest, keep_blank_values=True):
            if name not in known:
                raise UsageError(f"scenes have no option {name!r}; known are {', '.join(known)}.")
            values[name] = value
        numbers = {}
        for name in _RANGES.keys() & values.keys():
            if not values[name].isascii() or not values[name].isdigit():
                raise UsageError(_wrong(name, values[name]))
            numbers[name] = int(values[name])
        factors = values.get("factors", _DEFAULT_FACTORS)
        if not factors:
            raise UsageError(
                f"scenes: factors is ''; letters of {FACTORS} were expected, or the word none."
            )
        return cls(
            numbers.pop("count"),
            **numbers,
            factors="" if factors == "none" else factors,
            split=values.get("split", "train"),
        )

    @property
    def spec(self) -> str:
        """What opens the same scenes again."""
        return (
            f"scenes:{self.count}?size={self.size}&seed={self.seed}"
            f"&factors={self.factors or 'none'}&objects={self.objects}&split={self.split}"
        )

    @property
    def kind(self) -> Kind:
        """What the scenes have in common."""
        return Kind(self.factors, self.objects, self.seed, self.split)

    def __len__(self) -> int:
        return self.count

    def decode(self, i: int) -> Pixels:
        """Scene i, uint8 [size, size, 3]."""
        image: Pixels = self.decode_many([i])[0]
        return image

    def decode_many(self, indices: Sequence[int]) -> Pixels:
        """Scenes by number, uint8 [n, size, size, 3]; much faster than one by one."""
        blocks = [
            self.labels_of(indices[start : start + BLOCK]).image.permute(0, 2, 3, 1).numpy()
            for start in range(0, len(indices), BLOCK)
        ]
        pixels: Pixels = np.concatenate([np.zeros((0, self.size, self.size, 3), np.uint8), *blocks])
        return pixels

    def scene(self, i: int) -> Rendered:
        """Scene i with everything that is known about it, a block of one."""
        return self.labels_of([i])

    def labels_of(self, indices: Sequence[int]) -> Rendered:
        """Scenes by number with dense labels, all at once: hand over some dozens at a time."""
        return render(self.kind, torch.tensor(list(indices)), self.size)

    def identity(self, i: int) -> str:
        """Its seed and number, and its split where that is not train."""
        split = "" if self.split == "train" else f"{self.split}-"
        return f"scene-{split}{self.seed}-{i}"

    @property
    def fingerprint(self) -> str:
        """32 hex digits of the options and of the version of the drawing."""
        text = f"{self.spec} version {VERSION}"
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    @property
    def sizes(self) -> NDArray[np.int64]:
        """[N, 2], height and width."""
        return np.full((self.count, 2), self.size, dtype=np.int64)

    @property
    def labels(self) -> NDArray[np.int64]:
        """[N], the class of each scene's first object."""
        numbers = range(-(-self.count // _LABELS))
        return np.concatenate([_labels(self.kind, number) for number in numbers])[: self.count]

    def target(self, i: int) -> ClassTarget:
        """The class of scene i."""
        return ClassTarget(int(_labels(self.kind, i // _LABELS)[i % _LABELS]))


@lru_cache(maxsize=1024)
def _labels(kind: Kind, number: int) -> NDArray[np.int64]:
    """Labels of a block of scenes: one by one they take a hundred times as long."""
    index = torch.arange(number * _LABELS, (number + 1) * _LABELS)
    found: NDArray[np.int64] = labels_of(kind, index)[:, 0].numpy()
    return found


def _wrong(name: str, value: str) -> str:
    low, high = _RANGES[name]
    return f"scenes: {name} is {value!r}; a whole number from {low} to {high:,} was expected."
