"""What the reference reads otherwise than Python does: our docstrings, before Markdown sees them.

- `a, b: text` in Args describes both.
- `UsageError: why. DataError: why.` in Raises are two.
- A box of columns, as methods have, keeps its columns.
- A full name in code, `presight.losses.nt_xent`, links to its place, if it has one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import griffe

_SHARED = re.compile(r"^( +)(\*{0,2}\w+(?:, \*{0,2}\w+)+): (.*)$", re.DOTALL)
_NEXT_ERROR = re.compile(r"(?<=[.;]) (?=\w+Error: )")
_NAME = re.compile(r"`(presight(?:\.\w+)+)(\(\))?`")
_LINKED = r'<autoref identifier="\1" optional><code>\1\2</code></autoref>'
_COLUMNS = re.compile(r"\S {3,}\S")


def rewritten(docstring: str) -> str:
    """The docstring as the reference's parser wants it."""
    found = []
    for paragraph in re.split(r"\n{2,}", docstring.rstrip()):
        head, _, body = paragraph.partition("\n")
        if head in ("Args:", "Raises:"):
            paragraph = "\n".join((head, *(text for e in _entries(body) for text in _parts(e))))
        elif not paragraph.startswith(" ") and _COLUMNS.search(paragraph):
            paragraph = "\n".join(f"    {line}" for line in paragraph.splitlines())
        found.append(_NAME.sub(_LINKED, paragraph))
    return "\n\n".join(found)


def _entries(body: str) -> Iterator[str]:
    """The entries of a section, each with its further lines."""
    entry: list[str] = []
    for line in body.splitlines():
        if entry and not line.startswith(" " * 8):
            yield "\n".join(entry)
            entry = []
        entry.append(line)
    if entry:
        yield "\n".join(entry)


def _parts(entry: str) -> list[str]:
    """An entry for each name and each error that shares one."""
    shared = _SHARED.match(entry)
    if shared is not None:
        space, names, text = shared.groups()
        return [f"{space}{name}: {text}" for name in names.split(", ")]
    return [f"    {text.strip()}" if i else text for i, text in enumerate(_NEXT_ERROR.split(entry))]


class Rewritten(griffe.Extension):
    """Applies it to every docstring that is loaded."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """An object was loaded."""
        if obj.docstring is not None:
            obj.docstring.value = rewritten(obj.docstring.value)
