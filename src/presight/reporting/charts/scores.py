"""Rows of scores as dots with whiskers: for one number of labels, or for a network's stages."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

from presight.core.wording import cut, number
from presight.reporting.charts.drawing import ACCENT, INK, PAPER, SOFT, Size, Told, beside, both

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ROW = 48
_LEFT, _LEFT_NARROW = 130, 92


@dataclasses.dataclass(frozen=True)
class Dot:
    """A share in [0, 1] with its interval, in a row; `kind` 0 is filled, 1 is open."""

    row: str
    kind: int
    value: float
    low: float
    high: float
    main: bool = False


def dots(
    shown: Sequence[Dot],
    kinds: Sequence[str],
    blind: float | None,
    name: str,
    *,
    order: bool = True,
) -> str:
    """The drawing, wide and narrow.

    Args:
        shown: one or more.
        kinds: what filled and open dots are.
        blind: the blind guess's accuracy, a line; None draws none.
        name: of its elements in the page.
        order: the best row first; else the first one first.
    """
    rows = list(dict.fromkeys(dot.row for dot in shown))
    if order:
        best = {row: max(dot.value for dot in shown if dot.row == row) for row in rows}
        rows.sort(key=lambda row: -best[row])
    rows.reverse()

    def paint(axes: Axes, narrow: bool) -> None:
        for dot in shown:
            _draw(axes, dot, rows, kinds)
        if blind is not None:
            axes.axvline(100 * blind, color=SOFT, linewidth=0.8, linestyle=(0, (1.5, 3.5)))
            beside(axes, 100 * blind, len(rows) - 0.35, "blind guess")
        axes.set_ylim(-0.6, len(rows) - (0.15 if blind is not None else 0.4))
        axes.set_yticks(range(len(rows)), [cut(row, 14 if narrow else 20) for row in rows])
        axes.tick_params(axis="y", labelcolor=INK, pad=(_LEFT_NARROW if narrow else _LEFT) * 0.72)
        for label in axes.get_yticklabels():
            label.set_horizontalalignment("left")
        axes.set_xlabel("right answers, %, with 95 % interval")
        axes.xaxis.set_major_formatter(lambda value, _: number(value))
        axes.xaxis.grid(True)

    told = "; ".join(f"{cut(dot.row)} {kinds[dot.kind]} {100 * dot.value:.1f} %" for dot in shown)
    tall = 70 + _ROW * len(rows)
    return both(
        paint, name, Told("Accuracy by row", f"{told}."),
        Size(736, tall, left=_LEFT, right=90, top=8),
        Size(360, tall, left=_LEFT_NARROW, right=72, top=8),
    )  # fmt: skip


def _draw(axes: Axes, dot: Dot, rows: Sequence[str], kinds: Sequence[str]) -> None:
    several = len(kinds) > 1
    y = rows.index(dot.row) + ((0.15 if dot.kind == 0 else -0.15) if several else 0.0)
    color = ACCENT if dot.main else INK
    value, low, high = 100 * dot.value, 100 * dot.low, 100 * dot.high
    axes.plot([low, high], [y, y], color=color, linewidth=1.2, solid_capstyle="butt")
    face = color if dot.kind == 0 else PAPER
    axes.plot([value], [y], "o", markersize=5, color=color, markerfacecolor=face,
              markeredgewidth=1.2)  # fmt: skip
    if several and dot.row == rows[-1]:
        beside(axes, high, y, kinds[dot.kind])
