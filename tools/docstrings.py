"""What the reference reads otherwise than Python does: `a, b: text` in Args describes both."""

from __future__ import annotations

import re
from typing import Any

import griffe

_SHARED = re.compile(r"^( +)(\*{0,2}\w+(?:, \*{0,2}\w+)+): (.*)$")


def separated(docstring: str) -> str:
    """The docstring with an entry of its own for each name that shares one."""
    found: list[str] = []
    section, entry = "", []
    for line in [*docstring.splitlines(), ""]:
        if line and not line.startswith(" "):
            section = line
        if entry and line.startswith(" " * 8):
            entry.append(line)
            continue
        found += _repeated(entry)
        entry = []
        if section == "Args:" and _SHARED.match(line):
            entry = [line]
        else:
            found.append(line)
    return "\n".join(found).rstrip("\n")


def _repeated(entry: list[str]) -> list[str]:
    if not entry:
        return []
    shared = _SHARED.match(entry[0])
    assert shared is not None
    space, names, text = shared.groups()
    return [line for name in names.split(", ") for line in (f"{space}{name}: {text}", *entry[1:])]


class Separated(griffe.Extension):
    """Applies it to every docstring that is loaded."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """An object was loaded."""
        if obj.docstring is not None:
            obj.docstring.value = separated(obj.docstring.value)
