"""Rank correlations as dots with whiskers from -1 to 1, a line each."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

from presight.core.wording import cut
from presight.reporting.charts.drawing import INK, PAPER, SOFT, Size, Told, both

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ROW = 30
_LEFT, _LEFT_NARROW = 212, 152


@dataclasses.dataclass(frozen=True)
class Rho:
    """A rank correlation in [-1, 1] with its interval; `tells` where that leaves 0 out."""

    name: str
    value: float
    low: float
    high: float
    tells: bool


def correlation_chart(shown: Sequence[Rho], name: str) -> str:
    """The drawing, wide and narrow, the first line on top.

    Args:
        shown: one or more.
        name: of its elements in the page.
    """
    rows = list(reversed(shown))

    def paint(axes: Axes, narrow: bool) -> None:
        axes.axvline(0.0, color=SOFT, linewidth=0.8, linestyle=(0, (1.5, 3.5)))
        for y, one in enumerate(rows):
            color, face = (INK, INK) if one.tells else (SOFT, PAPER)
            axes.plot([one.low, one.high], [y, y], color=color, linewidth=1.2)
            axes.plot([one.value], [y], "o", markersize=5, color=color, markerfacecolor=face,
                      markeredgewidth=1.2)  # fmt: skip
        axes.set_xlim(-1.05, 1.05)
        axes.set_ylim(-0.6, len(rows) - 0.4)
        axes.set_yticks(range(len(rows)), [cut(one.name, 22 if narrow else 32) for one in rows])
        axes.tick_params(axis="y", labelcolor=INK, pad=(_LEFT_NARROW if narrow else _LEFT) * 0.72)
        for label, one in zip(axes.get_yticklabels(), rows, strict=True):
            label.set_horizontalalignment("left")
            label.set_color(INK if one.tells else SOFT)
        axes.set_xticks([-1.0, -0.5, 0.0, 0.5, 1.0])
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:+.1f}" if value else "0")
        axes.set_xlabel("rank correlation, with 95 % interval")
        axes.xaxis.grid(True)

    told = "; ".join(
        f"{cut(one.name)} {one.value:.2f}" + ("" if one.tells else ", tells nothing")
        for one in shown
    )
    tall = 70 + _ROW * len(rows)
    return both(
        paint, name, Told("Rank correlations with the score", f"{told}."),
        Size(736, tall, left=_LEFT, right=24, top=8),
        Size(360, tall, left=_LEFT_NARROW, right=16, top=8),
    )  # fmt: skip
