"""Labels beside lines, pushed apart so that none covers another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from presight.reporting.charts.drawing import Size, beside

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_GAP = 15  # pixels between two names' base lines


def at_right(axes: Axes, size: Size, labels: Sequence[tuple[str, float, dict[str, Any]]]) -> None:
    """Names right of the axes, each as near to its line's end as the others let it.

    Args:
        axes: with their final limits.
        size: of the drawing.
        labels: name, height of the line's end, and what `beside` takes of style.
    """
    bottom, top = axes.get_ylim()
    pixel = (top - bottom) / (size.height - size.top - size.bottom)
    places = spread_apart([y for _, y, _ in labels], _GAP * pixel, bottom, top)
    for (name, _, style), y in zip(labels, places, strict=True):
        beside(axes, axes.get_xlim()[1], y, name, **style)


def spread_apart(
    places: Sequence[float], gap: float, low: float | None = None, high: float | None = None
) -> list[float]:
    """Places as near to the wanted ones as a gap between neighbors allows (least squares).

    With the gaps taken off, the nearest places in order are an isotonic regression, which pooling
    of adjacent violators solves. Where labels do not fit between the bounds, the gap wins.

    Args:
        places: wanted, in any order.
        gap: smallest distance of two labels, > 0.
        low: least place of the lowest label; none by default.
        high: greatest place of the highest label; none by default.

    Returns:
        A place for each, in the order given; equal ones keep their order.

    Source: Barlow, Bartholomew, Bremner, Brunk, Statistical Inference under Order Restrictions,
    1972, for pooling.
    """
    order = sorted(range(len(places)), key=lambda i: places[i])
    pools: list[tuple[float, int]] = []  # mean and size
    for rank, i in enumerate(order):
        mean, size = places[i] - rank * gap, 1
        while pools and pools[-1][0] > mean:
            before, count = pools.pop()
            mean, size = (before * count + mean * size) / (count + size), size + count
        pools.append((mean, size))
    flat = [mean for mean, size in pools for _ in range(size)]
    if high is not None:
        flat = [min(value, high - (len(flat) - 1) * gap) for value in flat]
    if low is not None:
        flat = [max(value, low) for value in flat]
    found = [0.0] * len(places)
    for rank, i in enumerate(order):
        found[i] = flat[rank] + rank * gap
    return found
