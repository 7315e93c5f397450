"""Drawings taken apart."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from xml.etree.ElementTree import Element


def roots(drawing: str) -> list[Element]:
    """The SVG elements of a drawing, which must be well-formed."""
    return list(ElementTree.fromstring(f"<all>{drawing}</all>"))


def texts(drawing: str) -> list[str]:
    """What is written in it, in order."""
    found = [node for root in roots(drawing) for node in root.iter() if node.tag.endswith("text")]
    return ["".join(node.itertext()) for node in found]


def marks(drawing: str, style: str) -> int:
    """How many elements have a piece of style."""
    return sum(
        style in (node.get("style") or "") for root in roots(drawing) for node in root.iter()
    )
