"""Values as JSON may hold them."""

from __future__ import annotations

import math
from collections.abc import Mapping


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
