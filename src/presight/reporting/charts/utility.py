"""Utility against the number of labels: labels saved, with intervals, and where it is not known."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

from presight.core.wording import cut, number
from presight.reporting.charts.drawing import (
    COLORS,
    DASHES,
    FAINT,
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

_WIDE = Size(736, 360, left=44, right=170)
_NARROW = Size(360, 340, left=40, right=98)


@dataclasses.dataclass(frozen=True)
class Saved:
    """Labels that scratch would need, at a number of labels.

    Args:
        n_labels: that pretraining had.
        needed: labels for the same score from scratch; where `known` is not "ok", a bound.
        low: end of its 95 % interval; None where it lies below what was measured.
        high: its other end; None where it lies above.
        known: ok, left_censored, right_censored or flat.
    """

    n_labels: int
    needed: float
    low: float | None
    high: float | None
    known: str


@dataclasses.dataclass(frozen=True)
class Arm:
    """A line.

    Args:
        name: in words.
        found: by number of labels, ascending.
        color: its number.
        dash: number of its dashes.
    """

    name: str
    found: Sequence[Saved]
    color: int
    dash: int


def utility_chart(arms: Sequence[Arm], name: str) -> str:
    """The drawing, wide and narrow.

    Args:
        arms: one or more.
        name: of its elements in the page.
    """
    counts = sorted({one.n_labels for arm in arms for one in arm.found})

    def paint(axes: Axes, narrow: bool) -> None:
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.minorticks_off()
        ends = (counts[0] / 1.15, counts[-1] * 1.15)
        axes.plot(ends, ends, color=SOFT, linewidth=0.8, linestyle=(0, (1.5, 3.5)))
        axes.axhline(counts[-1], color=FAINT, linewidth=0.8)
        for at, arm in enumerate(arms):
            _draw(axes, arm, at, counts)
        shown = counts[::2] if narrow and len(counts) > 4 else counts
        axes.set_xticks(shown, [f"{n:,}" for n in shown])
        axes.set_yticks(shown, [f"{n:,}" for n in shown])
        axes.set_xlim(*ends)
        axes.set_ylim(counts[0] / 1.6, counts[-1] * 1.6)
        axes.yaxis.grid(True)
        axes.set_xlabel("labels used after pretraining")
        head(axes, "labels that scratch needs for the same")
        _label(axes, arms, _NARROW if narrow else _WIDE, narrow)

    told = "; ".join(
        f"{cut(arm.name)}: "
        + ", ".join(
            f"{one.n_labels:,} labels do the work of {number(one.needed)}" for one in arm.found
        )
        for arm in arms
    )
    return both(paint, name, Told("Labels saved", f"{told}."), _WIDE, _NARROW)


def _draw(axes: Axes, arm: Arm, at: int, counts: Sequence[int]) -> None:
    """Measured points joined, with bars; bounds as arrows that point to where the value lies."""
    color = COLORS[arm.color % len(COLORS)]
    shift = 1.0 + 0.012 * (at - 1)  # bars of several arms do not cover each other
    known = [one for one in arm.found if one.known == "ok"]
    axes.plot([one.n_labels * shift for one in known], [one.needed for one in known],
              color=color, linewidth=1.4, linestyle=DASHES[arm.dash % len(DASHES)])  # fmt: skip
    for one in arm.found:
        x = one.n_labels * shift
        if one.known == "ok":
            low = counts[0] / 1.6 if one.low is None else one.low
            high = counts[-1] * 1.6 if one.high is None else one.high
            axes.plot([x, x], [max(low, counts[0] / 1.6), high], color=color, linewidth=1)
            axes.plot([x], [one.needed], "o", color=color, markersize=4, markeredgewidth=0)
        elif one.known == "right_censored":
            axes.plot([x], [counts[-1]], "^", color=color, markersize=6, markeredgewidth=0)
        elif one.known == "left_censored":
            axes.plot([x], [counts[0]], "v", color=color, markersize=6, markeredgewidth=0)
        else:
            axes.plot([x], [one.needed], "o", color=color, markersize=4, fillstyle="none")


def _label(axes: Axes, arms: Sequence[Arm], size: Size, narrow: bool) -> None:
    """Names at the right, each at its arm's last height; heights are spread on the log axis."""
    import math

    low, high = axes.get_ylim()
    labels = []
    for arm in arms:
        share = (math.log(arm.found[-1].needed) - math.log(low)) / (math.log(high) - math.log(low))
        style = {"color": INK, "fontweight": "bold"}
        labels.append((cut(arm.name, 15 if narrow else 24), share, style))
    twin = axes.twinx()
    twin.set_ylim(0.0, 1.0)
    twin.set_yticks([])
    at_right(twin, size, labels)
