"""What pretraining gives against what it costs: labels replaced against seconds."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from presight.core.wording import cut, duration, number
from presight.reporting.charts.drawing import COLORS, INK, PAPER, SOFT, Size, Told, both, head
from presight.reporting.charts.labels import at_right

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDE = Size(736, 340, left=44, right=170)
_NARROW = Size(360, 320, left=40, right=110)


@dataclasses.dataclass(frozen=True)
class Worth:
    """An arm in a mode: what it cost, and how many labels one of its labels replaces.

    Args:
        name: in words.
        seconds: of pretraining.
        ratio: labels that scratch needs over labels used, > 0; where `known` is not ok, a bound.
        low: end of its 95 % interval; None where it lies below what was measured.
        high: its other end; None where it lies above.
        known: ok, left_censored, right_censored or flat.
        number: of its color.
        open: fine-tuned, else frozen.
    """

    name: str
    seconds: float
    ratio: float
    low: float | None
    high: float | None
    known: str
    number: int
    open: bool


def cost_chart(found: Sequence[Worth], name: str) -> str:
    """The drawing, wide and narrow.

    Args:
        found: one or more.
        name: of its elements in the page.
    """
    ends = [end for one in found for end in (one.ratio, one.low, one.high) if end and end > 0]
    low, high = min([*ends, 1.0]) / 1.25, max([*ends, 1.0]) * 1.25
    longest = max(one.seconds for one in found)
    unit = 60.0 if longest >= 120.0 else 1.0

    def paint(axes: Axes, narrow: bool) -> None:
        from matplotlib.ticker import MultipleLocator

        axes.set_yscale("log")
        axes.minorticks_off()
        axes.set_ylim(low, high)
        axes.set_xlim(0.0, 1.08 * longest or 1.0)
        axes.axhline(1.0, color=SOFT, linewidth=0.8)
        for one in found:
            _draw(axes, one, low, high)
        ticks = [t for t in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100) if low <= t <= high]
        axes.set_yticks(ticks, [f"\N{MULTIPLICATION SIGN}{t:g}" for t in ticks])
        axes.xaxis.set_major_locator(MultipleLocator(unit * _step(longest / unit)))
        axes.xaxis.set_major_formatter(lambda value, _: number(value / unit))
        axes.yaxis.grid(True)
        axes.set_xlabel(f"one pretraining, {'minutes' if unit > 1 else 'seconds'}")
        head(axes, "labels replaced" if narrow else "labels from scratch that one label replaces")
        _label(axes, found, _NARROW if narrow else _WIDE, narrow)

    told = "; ".join(
        f"{cut(one.name)}: {duration(one.seconds)}, {number(one.ratio)} times" for one in found
    )
    return both(
        paint, name, Told("Labels replaced against pretraining", f"{told}."), _WIDE, _NARROW
    )


def _step(longest: float) -> float:
    """A round distance of ticks, of which four or fewer fit."""
    power = 10.0 ** math.floor(math.log10(max(longest, 1e-3) / 4))
    return next(power * k for k in (1, 2, 5, 10) if power * k >= longest / 4)


def _draw(axes: Axes, one: Worth, low: float, high: float) -> None:
    color = COLORS[one.number % len(COLORS)]
    x = one.seconds + (0.008 if one.open else -0.008) * axes.get_xlim()[1]  # both modes are seen
    style: Any = {
        "color": color,
        "markeredgewidth": 1.3,
        "markerfacecolor": PAPER if one.open else color,
    }
    if one.known in ("left_censored", "right_censored"):
        mark = "^" if one.known == "right_censored" else "v"
        axes.plot([x], [one.ratio], mark, markersize=7, **style)
        return
    ends = [max(one.low or low, low), min(one.high or high, high)]
    axes.plot([x, x], ends, color=color, linewidth=1.1)
    axes.plot([x], [one.ratio], "o", markersize=6, **style)


def _label(axes: Axes, found: Sequence[Worth], size: Size, narrow: bool) -> None:
    """Names at the right, each at its mark's height; heights are spread on the log axis."""
    low, high = (math.log(end) for end in axes.get_ylim())
    twin = axes.twinx()
    twin.set_ylim(0.0, 1.0)
    twin.set_yticks([])
    labels = [
        (cut(one.name, 17 if narrow else 26), (math.log(one.ratio) - low) / (high - low),
         {"color": INK})
        for one in found
    ]  # fmt: skip
    at_right(twin, size, labels)
