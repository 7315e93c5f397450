"""Small charts of the training: one number over the epochs."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

from presight.core.wording import cut, number
from presight.reporting.charts.drawing import (
    ACCENT,
    COLORS,
    DASHES,
    INK,
    SOFT,
    Size,
    Told,
    head,
    single,
    thinned,
)
from presight.reporting.charts.labels import at_right

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SIZE = Size(360, 220, left=54, right=14)
_FEW = 12  # records up to which each is a dot
_MANY = Size(360, 220, left=54, right=84)


@dataclasses.dataclass(frozen=True)
class Series:
    """Values over epochs; `name` is its label where there are several."""

    at: Sequence[float]
    values: Sequence[float]
    name: str = ""


def over_epochs(
    series: Sequence[Series],
    name: str,
    what: str,
    *,
    bound: tuple[float, str] | None = None,
    most: int = 400,
) -> str:
    """The drawing.

    Args:
        series: one line, or one for each of several runs.
        name: of its elements in the page.
        what: the name of the vertical axis.
        bound: a value that means something, and what; a line of dashes.
        most: points of a line.
    """
    drawn = [Series(*thinned(one.at, one.values, most), one.name) for one in series]

    def paint(axes: Axes, narrow: bool) -> None:
        for i, one in enumerate(drawn):
            color = ACCENT if len(drawn) == 1 else COLORS[i % len(COLORS)]
            dashes = DASHES[0] if len(drawn) == 1 else DASHES[i % len(DASHES)]
            mark = "o" if len(one.at) <= _FEW else "none"
            axes.plot(one.at, one.values, marker=mark, color=color, linewidth=1.4, linestyle=dashes,
                      markersize=3.6, markeredgewidth=0)  # fmt: skip
        axes.margins(x=0.01)
        axes.set_xlim(left=0.0 if min(one.at[0] for one in drawn) >= 0 else None)
        if bound is not None:
            axes.axhline(bound[0], color=SOFT, linewidth=0.8, linestyle=(0, (1.5, 3.5)))
            axes.annotate(bound[1], (0, bound[0]), xycoords=("axes fraction", "data"),
                          xytext=(2, 3), textcoords="offset points", color=SOFT)  # fmt: skip
            axes.margins(y=0.12)
        axes.locator_params(nbins=5)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(lambda value, _: number(value))
        axes.yaxis.grid(True)
        axes.set_xlabel("epoch")
        head(axes, what)
        if len(drawn) > 1:
            ends = [(cut(one.name, 12), one.values[-1], {"color": INK}) for one in drawn]
            at_right(axes, _MANY, ends)

    told = "; ".join(
        f"{cut(one.name)} from {number(one.values[0])} to {number(one.values[-1])} over "
        f"{number(one.at[-1])} epochs".strip()
        for one in drawn
    )
    return single(paint, name, Told(what, f"{told}."), _SIZE if len(drawn) == 1 else _MANY)
