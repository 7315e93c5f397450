"""The formats that a backbone can be exported to. No torch."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from presight.errors import UsageError

_FORMATS = {
    "torchvision": "torchvision's own keys; its network loads the file, all but the classifier",
    "timm": 'timm\'s own keys; needs pip install "presight[timm]"',
    "onnx": 'a network that runs without torch; needs pip install "presight[onnx]"',
    "safetensors": "the backbone's keys, for presight itself and any other reader; fits every one",
}


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written, and how it compared once it was loaded back.

    Args:
        path: the file.
        keys: number of tensors in it.
        missing: keys of the library's network that the file has not: its classifier's.
        unexpected: keys of the file that the library's network has not: none.
        max_difference: largest difference between features before and after, absolute.
        usage: how the file is loaded: lines of Python, each by itself.
    """

    path: Path
    keys: int
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    max_difference: float
    usage: str

    @property
    def summary(self) -> dict[str, Any]:
        """File, keys and difference for machines."""
        return {
            "path": str(self.path),
            "keys": self.keys,
            "missing": list(self.missing),
            "unexpected": list(self.unexpected),
            "max_difference": self.max_difference,
        }

    def lines(self) -> list[str]:
        """What a person is told: the file, how it compared, how it is loaded."""
        own = " but for the classifier, which a run has not" if self.missing else ""
        return [
            f"{self.path}: {self.keys} keys, missing 0{own}, unexpected {len(self.unexpected)}, "
            f"largest difference after loading {self.max_difference:.2g}",
            *self.usage.splitlines(),
        ]


def formats() -> Mapping[str, str]:
    """Names of the formats, each with a line of help."""
    return MappingProxyType(_FORMATS)


def check(to: str) -> None:
    """Accept a format's name.

    Raises:
        UsageError: for any other; the text holds the nearest.
    """
    if to not in _FORMATS:
        near = difflib.get_close_matches(to.lower(), _FORMATS, n=1)
        hint = f"nearest: {near[0]}; " if near else ""
        raise UsageError(f"no format {to!r}; {hint}expected one of {', '.join(_FORMATS)}.")
