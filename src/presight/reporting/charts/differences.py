"""Differences of scores against the number of labels, with intervals and the line of none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from presight.core.wording import MINUS, cut, points
from presight.reporting.charts.drawing import (
    COLORS,
    DASHES,
    INK,
    SOFT,
    Size,
    Told,
    both,
    head,
)
from presight.reporting.charts.labels import at_right

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDE = Size(736, 320, right=150)
_NARROW = Size(360, 320, right=98)
_APART = 0.012  # of the axis, between bars of two lines at the same number of labels

Curve = tuple[str, int, Sequence[tuple[float, float, float]]]
"""Name, number of color and dashes, difference with its 95 % interval by number of labels."""


def differences(
    curves: Sequence[Curve], labels: Sequence[int], name: str, above: str, below: str
) -> str:
    """The drawing, wide and narrow.

    Args:
        curves: one or more.
        labels: numbers of labels, ascending.
        name: of its elements in the page.
        above: what lies above the line of none, in words.
        below: what lies below it.
    """

    def paint(axes: Axes, narrow: bool) -> None:
        axes.set_xscale("log")
        axes.minorticks_off()
        axes.axhline(0, color=SOFT, linewidth=0.8)
        ends = [0.0, *(100 * end for *_, found in curves for one in found for end in one)]
        room = 0.14 * max(1.0, max(ends) - min(ends))
        axes.set_ylim(min(ends) - room, max(ends) + room)
        low, high = (labels[0] / 1.1, labels[-1] * 1.1)
        axes.set_xlim(low, high)
        for at, (_, color, found) in enumerate(curves):
            aside = _APART * (at - (len(curves) - 1) / 2) * math.log(high / low)
            _draw(axes, found, [n * math.exp(aside) for n in labels], color)
        shown = labels[::2] if narrow and len(labels) > 4 else labels
        axes.set_xticks(shown, [f"{n:,}" for n in shown])
        axes.locator_params(axis="y", nbins=6)
        axes.yaxis.set_major_formatter(
            lambda value, _: f"{value:+g}".replace("-", MINUS) if value else "0"
        )
        axes.yaxis.grid(True)
        axes.set_xlabel("labels used")
        head(axes, "points" if narrow else "difference, points")
        for text, y, va in ((above, 0.99, "top"), (below, 0.01, "bottom")):
            axes.annotate(text, (0.01, y), xycoords="axes fraction", va=va, color=SOFT)
        named = [(cut(name, 15 if narrow else 22), 100 * found[-1][0],
                  {"color": INK, "fontweight": "bold"}) for name, _, found in curves]  # fmt: skip
        at_right(axes, _NARROW if narrow else _WIDE, named)

    told = "; ".join(
        f"{cut(name)}: "
        + ", ".join(f"{n:,} labels {points(one[0])}" for n, one in zip(labels, found, strict=True))
        for name, _, found in curves
    )
    return both(paint, name, Told(f"Above: {above}; below: {below}", f"{told}."), _WIDE, _NARROW)


def _draw(
    axes: Axes, found: Sequence[tuple[float, float, float]], x: Sequence[float], number: int
) -> None:
    color = COLORS[number % len(COLORS)]
    axes.plot(x, [100 * value for value, _, _ in found], color=color, linewidth=1.3,
              linestyle=DASHES[number % len(DASHES)])  # fmt: skip
    for place, (value, low, high) in zip(x, found, strict=True):
        axes.plot([place, place], [100 * low, 100 * high], color=color, linewidth=1)
        clear = low > 0 or high < 0
        axes.plot([place], [100 * value], "o", color=color, markersize=5, markeredgewidth=1.2,
                  markerfacecolor=color if clear else "none")  # fmt: skip
