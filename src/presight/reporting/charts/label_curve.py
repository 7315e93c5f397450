"""Accuracy against the number of labels: lines, bands, every label seed's dot, direct labels."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from presight.core.wording import between, cut, number
from presight.reporting.charts.drawing import (
    ACCENT,
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

_WIDE = Size(736, 400, right=150)
_NARROW = Size(360, 380, right=98)
_QUIET: tuple[object, ...] = ((0, (1.5, 3.5)), (0, (3, 3)), (0, (6, 3)), (0, (12, 4)))
_CLOSE = 1.35  # two ticks nearer than this ratio, on the wide drawing, show one figure


@dataclasses.dataclass(frozen=True)
class Place:
    """What was reached with a number of labels: shares in [0, 1]; values are by label seed."""

    n_labels: int
    mean: float
    low: float
    high: float
    values: Sequence[float] = ()


@dataclasses.dataclass(frozen=True)
class Line:
    """A row of the label curve.

    Args:
        name: its label.
        places: by number of labels, ascending.
        role: main, ink, soft; series, which takes the color and dashes of `number`; or quiet, which
            is there for proportion: dashes of `number`, no band, no dots.
        number: of the series.
        dash: number of a series' dashes, where it is not that of its color.
    """

    name: str
    places: Sequence[Place]
    role: str = "ink"
    number: int = 0
    dash: int | None = None

    @property
    def color(self) -> str:
        """Of its marks."""
        if self.role == "series":
            return COLORS[self.number % len(COLORS)]
        return {"main": ACCENT, "ink": INK}.get(self.role, SOFT)

    @property
    def dashes(self) -> object:
        """Color is never the only sign."""
        if self.role == "series":
            return DASHES[(self.number if self.dash is None else self.dash) % len(DASHES)]
        if self.role == "quiet":
            return _QUIET[self.number % len(_QUIET)]
        return DASHES[0] if self.role == "main" else DASHES[1 + self.number % 3]


def readings(lines: Sequence[Line]) -> dict[str, object]:
    """What the script tells at the pointer, and where it draws its line.

    Returns:
        n, the numbers of labels; x, their places across the axes in [0, 1]; box, for the wide and
        the narrow drawing the axes' left, right, top, bottom as shares of it; lines, for each row
        the words at each number of labels, empty where it was not measured.
    """
    counts, low, high = _span(lines)
    across = math.log(high / low)
    told = {}
    for line in lines:
        at = {place.n_labels: place for place in line.places}
        told[cut(line.name, 40)] = [
            f"{100 * at[n].mean:.1f} % ({between(at[n].low, at[n].high)})" if n in at else ""
            for n in counts
        ]
    boxes = {
        kind: [s.left / s.width, 1 - s.right / s.width, s.top / s.height, 1 - s.bottom / s.height]
        for kind, s in (("w", _WIDE), ("n", _NARROW))
    }
    return {"n": counts, "x": [round(math.log(n / low) / across, 4) for n in counts],
            "box": boxes, "lines": told}  # fmt: skip


def _span(lines: Sequence[Line]) -> tuple[list[int], float, float]:
    counts = sorted({place.n_labels for line in lines for place in line.places})
    ends = 1.04 if len(counts) > 1 else 2.0
    return counts, counts[0] / ends, counts[-1] * ends


def label_curve(
    lines: Sequence[Line], blind: float | None, name: str, metric: str = "right answers"
) -> str:
    """The drawing, wide and narrow.

    Args:
        lines: one or more, with one place or more each.
        blind: the blind guess's accuracy, a line of dots; None draws none.
        name: of its elements in the page.
        metric: that the lines are of.
    """

    def paint(axes: Axes, narrow: bool) -> None:
        size = _NARROW if narrow else _WIDE
        for line in reversed(lines):
            _draw(axes, line)
        if blind is not None:
            axes.axhline(100 * blind, color=SOFT, linewidth=0.8, linestyle=(0, (1.5, 3.5)))
        _scales(axes, lines, blind, narrow)
        head(axes, f"{metric}, %" if narrow else f"{metric} on the test images, %")
        _label(axes, lines, blind, size, narrow)

    numbers = "; ".join(
        f"{cut(line.name)}: " + ", ".join(f"{p.n_labels:,} labels {100 * p.mean:.1f} %"
                                     for p in line.places)
        for line in lines
    )  # fmt: skip
    return both(paint, name, Told(f"{metric} against labels", f"{numbers}."), _WIDE, _NARROW)


def _draw(axes: Axes, line: Line) -> None:
    at = [place.n_labels for place in line.places]
    low, high, mean = ([100 * getattr(p, e) for p in line.places] for e in ("low", "high", "mean"))
    if line.role == "quiet":
        axes.plot(at, mean, color=line.color, linewidth=0.9, linestyle=line.dashes)
        return
    heavy = 1.75 if line.role == "main" else 1.3
    if len(at) > 1:
        axes.fill_between(at, low, high, color=line.color, alpha=0.13, linewidth=0)
    else:
        axes.plot(at * 2, [low[0], high[0]], color=line.color, linewidth=1, alpha=0.6)
    axes.plot(at, mean, color=line.color, linewidth=heavy, linestyle=line.dashes,
              solid_joinstyle="round")  # fmt: skip
    axes.plot(at, mean, "o", color=line.color, markersize=3.6, markeredgewidth=0)
    dots = [
        (p.n_labels, 100 * value) for p in line.places if len(p.values) > 1 for value in p.values
    ]
    if dots:
        axes.plot(*zip(*dots, strict=True), "o", color=line.color, markersize=2, alpha=0.6,
                  markeredgewidth=0)  # fmt: skip


def _scales(axes: Axes, lines: Sequence[Line], blind: float | None, narrow: bool) -> None:
    counts, left, right = _span(lines)
    axes.set_xscale("log")
    axes.minorticks_off()
    shown = _ticks(counts, _CLOSE**2 if narrow else _CLOSE)
    axes.set_xticks(shown, [_short(n) if narrow else f"{n:,}" for n in shown])
    axes.set_xlim(left, right)
    ends_ = [100 * e for line in lines for p in line.places for e in (p.low, p.high, *p.values)]
    low, high = min([*ends_, 100 * (blind or 1.0)]), max(ends_)
    room = max(2.0, 0.05 * (high - low))
    axes.set_ylim(max(0.0, low - room), min(100.0, high + room))
    axes.locator_params(axis="y", nbins=6)
    axes.yaxis.set_major_formatter(lambda value, _: number(value))
    axes.yaxis.grid(True)
    axes.set_xlabel("labels used")


def _ticks(counts: Sequence[int], ratio: float) -> list[int]:
    """Counts that have room for a figure: the last one always, then those far enough below."""
    kept = [counts[-1]]
    for n in reversed(counts[:-1]):
        if kept[-1] / n >= ratio:
            kept.append(n)
    return kept[::-1]


def _short(n: int) -> str:
    return f"{n / 1000:.3g}k" if n >= 1000 else str(n)


def _label(
    axes: Axes, lines: Sequence[Line], blind: float | None, size: Size, narrow: bool
) -> None:
    """Names at the lines' right ends, pushed apart; the blind guess's among them."""
    wanted = [(line.name, 100 * line.places[-1].mean, line.role, line.color) for line in lines]
    if blind is not None:
        wanted.append(("blind guess", 100 * blind, "soft", SOFT))
    labels = []
    for name, y, role, color in wanted:
        weight = "normal" if role in ("soft", "quiet") else "bold"
        style = {"color": INK if role == "series" else color, "fontweight": weight}
        labels.append((cut(name, 15 if narrow else 22), y, style))
    at_right(axes, size, labels)
