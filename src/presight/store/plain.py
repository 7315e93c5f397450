"""Values as JSON may hold them, and a file of them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_MOST_BYTES = 8 << 20
_STRAY = re.compile("[\ud800-\udfff]")


def read_table(path: Path) -> dict[str, Any]:
    """The table that a JSON file holds.

    Raises:
        ValueError: it is larger than 8 MB, no JSON, or holds something else.
        OSError: it is missing or cannot be read.
    """
    if path.stat().st_size > _MOST_BYTES:
        raise ValueError(f"{path.name} is larger than {_MOST_BYTES >> 20} MB")
    held = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(held, dict):
        raise ValueError(f"{path.name} holds no table")
    return held


def as_json(value: object, indent: int | None = None) -> str:
    """JSON text that is read back equal but for numbers that are not finite, see `finite`.

    A path may hold bytes that are no UTF-8, which Python has as characters that no file can hold:
    they are escaped.
    """
    text = json.dumps(finite(value), indent=indent, ensure_ascii=False, allow_nan=False)
    return _STRAY.sub(lambda stray: f"\\u{ord(stray[0]):04x}", text)


def finite(value: object) -> object:
    """The value as JSON may hold it: NaN and infinities become null and a word beside.

    {"loss": nan} becomes {"loss": null, "loss_is": "nan"}; in a list they become the word.
    """
    if isinstance(value, Mapping):
        plain: dict[str, object] = {}
        for key, item in value.items():
            if isinstance(item, float) and not math.isfinite(item):
                plain[str(key)] = None
                plain[f"{key}_is"] = str(item)
            else:
                plain[str(key)] = finite(item)
        return plain
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
