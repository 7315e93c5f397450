"""The map of an embedding as SVG: a path of dots for each class, and a name at its middle.

Thousands of dots are one path of points with round ends, which is small, follows the page's
colors, prints, and needs no script; the page's script only adds the picture of the nearest dot.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

from presight.core.wording import cut, visible
from presight.reporting.charts.drawing import SERIES

WIDTH, HEIGHT = 736, 480
NAMED = 16
"""Classes up to this many get a color, the second half of them square dots."""

_PAD = 26
_TALL, _LETTER = 25, 11.5  # a name's room in the narrow page's larger type


def placed(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Places in the drawing, [n,2]: one scale for both directions, centered."""
    low, high = places.min(axis=0), places.max(axis=0)
    span = np.maximum(high - low, 1e-12)
    room = np.array([WIDTH - 2 * _PAD, HEIGHT - 2 * _PAD])
    scale = float((room / span).min()) if (high > low).any() else 0.0
    middle = (low + high) / 2
    at = (places - middle) * scale * np.array([1.0, -1.0]) + np.array([WIDTH, HEIGHT]) / 2
    return np.asarray(np.round(at, 1))


def embedding_map(
    places: NDArray[np.float64],
    groups: Sequence[int],
    names: Sequence[str],
    odd: Sequence[int],
    name: str,
    told: str,
) -> str:
    """The drawing.

    Args:
        places: [n,2], as `placed` gives.
        groups: class of each image; all 0 where there are none.
        names: of the classes; a single or no name is not drawn.
        odd: images that get a ring.
        name: of the element in the page.
        told: key numbers, for those who do not see it.
    """
    radius = 6.4 if len(places) <= 500 else 5.0 if len(places) <= 2000 else 3.4
    of = np.asarray(groups)
    many = len(names) > NAMED or len(names) < 2
    drawn = []
    for group in range(max(1, len(names))):
        style = "soft" if many else f"c{group % SERIES}"
        shape = " sq" if not many and group >= SERIES else ""
        drawn.append(_dots(places[of == group], f"{style}{shape}", radius, f' data-g="{group}"'))
    if odd:
        ringed = places[list(odd)]
        drawn += [_dots(ringed, "ring", radius + 1.6), _dots(ringed, "hole", radius - 1.4)]
    labels = "" if len(names) < 2 or len(names) > 2 * NAMED else _names(places, of, names)
    return (
        f'<svg class="map" id="{name}" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-labelledby="{name}-t {name}-d"><title id="{name}-t">Map of the embedding</title>'
        f'<desc id="{name}-d">{escape(visible(told))}</desc>{"".join(drawn)}{labels}</svg>'
    )


def _dots(places: NDArray[np.float64], style: str, width: float, more: str = "") -> str:
    if not len(places):
        return ""
    path = "".join(f"M{x:g} {y:g}h0" for x, y in places)
    return f'<path class="dots {style}" stroke-width="{width:g}"{more} d="{path}"/>'


def _names(places: NDArray[np.float64], of: NDArray[np.int64], names: Sequence[str]) -> str:
    boxes = []
    for group, name in enumerate(names):
        if (of == group).any():
            x, y = np.median(places[of == group], axis=0)
            boxes.append((cut(name, 18), float(x), float(y)))
    half = [_LETTER * len(text) / 2 for text, _, _ in boxes]
    tops = apart([x for _, x, _ in boxes], [y for _, _, y in boxes], half)
    return "".join(
        f'<text x="{min(max(x, w), WIDTH - w):.0f}" y="{y + 4:.0f}" text-anchor="middle">'
        f"{escape(text)}</text>"
        for (text, x, _), y, w in zip(boxes, tops, half, strict=True)
    )


def apart(x: Sequence[float], y: Sequence[float], half: Sequence[float]) -> list[float]:
    """Heights at which no two names cover each other; upper ones stay, lower ones move down."""
    found = list(y)
    order = sorted(range(len(y)), key=lambda i: y[i])
    for at, i in enumerate(order):
        above = [j for j in order[:at] if abs(x[i] - x[j]) < half[i] + half[j]]
        for j in sorted(above, key=lambda j: found[j]):
            if abs(found[i] - found[j]) < _TALL:
                found[i] = found[j] + _TALL
    over = max([0.0, *(place - (HEIGHT - 14) for place in found)])
    return [place - over for place in found]
