"""Pieces of HTML for notebooks. Every text is escaped; colors are the page's own."""

from __future__ import annotations

import base64
import html
import io
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from PIL import Image

_FRAME = "font:14px/1.5 system-ui,sans-serif;max-width:52em;color:inherit"
_MOST_PIXELS = 40_000_000
_WIDEST = 640
"""Pixels of an embedded picture."""
POINTS = 120
"""Of a small curve, at most: more would not be told apart."""


def frame(*parts: str) -> str:
    """A block of HTML from finished parts."""
    return f'<div style="{_FRAME}">{"".join(parts)}</div>'


def line(text: str, style: str = "") -> str:
    """A text on a line of its own."""
    return f'<div style="{style}">{html.escape(text)}</div>'


def note(text: str) -> str:
    """A text that stands out."""
    return line(text, "border-left:3px solid #c2410c;padding-left:.6em;margin:.3em 0")


def folded(title: str, lines: Iterable[str]) -> str:
    """Lines under a title that opens them; nothing where there is none."""
    text = html.escape("\n".join(lines))
    if not text:
        return ""
    return f"<details><summary>{html.escape(title)}</summary><pre>{text}</pre></details>"


def preformatted(lines: Iterable[str]) -> str:
    """Lines whose columns stay in place."""
    text = html.escape("\n".join(lines))
    return f'<pre style="margin:.3em 0;overflow-x:auto">{text}</pre>'


def rows(pairs: Iterable[tuple[str, str]]) -> str:
    """A table of names and values."""
    cell = "text-align:left;padding:.1em 1em .1em 0"
    body = "".join(
        f'<tr><th style="{cell};font-weight:400;opacity:.75">{html.escape(name)}</th>'
        f'<td style="{cell}">{html.escape(value)}</td></tr>'
        for name, value in pairs
    )
    style = "border-collapse:collapse;margin:.3em 0;font:inherit;color:inherit"
    return f'<table style="{style}">{body}</table>'


def bar(share: float, label: str) -> str:
    """A progress bar, `share` in [0, 1]; the label is read to those who cannot see it."""
    percent = 100 * min(1.0, max(0.0, share if math.isfinite(share) else 0.0))
    return (
        f'<div role="progressbar" aria-label="{html.escape(label)}" aria-valuenow="{percent:.0f}" '
        'style="height:.5em;border-radius:.25em;background:rgba(128,128,128,.3);margin:.4em 0">'
        f'<div style="height:100%;width:{percent:.1f}%;border-radius:.25em;background:#2563eb">'
        "</div></div>"
    )


def curve(values: Sequence[float], label: str, width: int = 240, height: int = 36) -> str:
    """A small line of finite values as inline SVG; nothing for fewer than two."""
    found = [value for value in values if math.isfinite(value)]
    if len(found) < 2:
        return ""
    low, high = min(found), max(found)
    span = (high - low) or 1.0
    step = (width - 2) / (len(found) - 1)
    points = " ".join(
        f"{1 + i * step:.1f},{1 + (high - value) / span * (height - 2):.1f}"
        for i, value in enumerate(found)
    )
    said = html.escape(f"{label}, from {found[0]:.4g} to {found[-1]:.4g}")
    beside = f'<span style="opacity:.75;margin-left:.6em">{said}</span>'
    return (
        f'<div><svg width="{width}" height="{height}" role="img" aria-label="{said}">'
        f"<title>{said}</title>"
        f'<polyline points="{points}" fill="none" stroke="currentColor" stroke-width="1.5"/></svg>'
        f"{beside}</div>"
    )


def thinned(values: Sequence[float]) -> list[float]:
    """At most `POINTS` of the values in equal steps, the first and the last among them."""
    if len(values) <= POINTS:
        return list(values)
    step = (len(values) - 1) / (POINTS - 1)
    return [values[round(i * step)] for i in range(POINTS)]


def picture(path: Path, description: str) -> str:
    """A PNG file inside the page, made smaller; nothing where it cannot be read."""
    try:
        with Image.open(path, formats=("PNG",)) as opened:
            if opened.width * opened.height > _MOST_PIXELS:
                return ""
            small = opened.convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return ""
    small.thumbnail((_WIDEST, _WIDEST))
    larger = min(3, _WIDEST // small.width)  # small pictures are hard to see
    wide = larger <= 1
    held = io.BytesIO()
    small.save(held, "JPEG", quality=85)
    data = base64.b64encode(held.getvalue()).decode()
    return (
        f'<figure style="margin:.5em 0"><img alt="{html.escape(description)}" '
        f'style="width:{_WIDEST if wide else small.width * larger}px;max-width:100%;'
        f'image-rendering:{"auto" if wide else "pixelated"}" src="data:image/jpeg;base64,{data}">'
        f'<figcaption style="opacity:.75">{html.escape(description)}</figcaption></figure>'
    )
