"""Blocks of code and commands in pages of Markdown."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`((?:presight|make|torchrun) [^`]+)`")


class Block(NamedTuple):
    """A fenced block.

    Args:
        place: file and line, for messages.
        language: after the fence.
        text: of the block.
    """

    place: str
    language: str
    text: str


def pages() -> list[Path]:
    """README and all pages that people write."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def fenced(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page."""
    text = page.read_text()
    for match in _FENCE.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        indent = len(match[1])
        body = "\n".join(row[indent:] for row in match[3].splitlines())
        yield Block(f"{page.relative_to(ROOT)}:{line}", match[2], body)


def commands(page: Path) -> Iterator[tuple[str, list[str]]]:
    """Place and words of every command: in shell blocks and inline."""
    for block in fenced(page):
        if block.language in ("sh", "bash", "console"):
            for line in block.text.replace("\\\n", " ").splitlines():
                words = shlex.split(line.removeprefix("$ "), comments=True)
                if words:
                    yield block.place, words
    text = page.read_text()
    for match in _INLINE.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        yield f"{page.relative_to(ROOT)}:{line}", shlex.split(match[1])
