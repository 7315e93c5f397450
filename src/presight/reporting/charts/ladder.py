"""Scores of a network's stages, one line for each network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from presight.core.wording import cut, number
from presight.reporting.charts.drawing import COLORS, DASHES, INK, SOFT, Size, Told, both, head
from presight.reporting.charts.labels import at_right

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDE = Size(736, 320, right=150)
_NARROW = Size(360, 320, right=98)


def ladder(
    lines: Sequence[tuple[str, Sequence[tuple[float, float, float]], int | None]],
    stages: Sequence[str],
    name: str,
    metric: str,
) -> str:
    """The drawing, wide and narrow.

    Args:
        lines: name, score with its 95 % interval by stage, and number of its
            color and dashes; None is there for proportion.
        stages: their names, the input's side first.
        name: of its elements in the page.
        metric: that scores are of.
    """

    def paint(axes: Axes, narrow: bool) -> None:
        at = range(len(stages))
        for _, scores, place in lines:
            quiet = place is None
            color = SOFT if place is None else COLORS[place % len(COLORS)]
            dashes = (0, (3, 3)) if place is None else DASHES[place % len(DASHES)]
            mean, low, high = ([100 * one[end] for one in scores] for end in range(3))
            if not quiet:
                axes.fill_between(at, low, high, color=color, alpha=0.13, linewidth=0)
            axes.plot(at, mean, marker="none" if quiet else "o", color=color, linestyle=dashes,
                      linewidth=1.3, markersize=4, markeredgewidth=0)  # fmt: skip
        axes.set_xticks(at, [cut(stage, 12) for stage in stages])
        axes.margins(x=0.02)
        axes.locator_params(axis="y", nbins=6)
        axes.yaxis.set_major_formatter(lambda value, _: number(value))
        axes.yaxis.grid(True)
        axes.set_xlabel("stage, from the image on")
        head(axes, f"{metric}, %" if narrow else f"{metric} on the test images, %")
        named = [
            (cut(name, 15 if narrow else 22), 100 * scores[-1][0],
             {"color": SOFT, "fontweight": "normal"} if place is None
             else {"color": INK, "fontweight": "bold"})
            for name, scores, place in lines
        ]  # fmt: skip
        at_right(axes, _NARROW if narrow else _WIDE, named)

    told = "; ".join(
        f"{cut(name)}: "
        + ", ".join(
            f"{stage} {100 * one[0]:.1f} %" for stage, one in zip(stages, scores, strict=True)
        )
        for name, scores, _ in lines
    )
    return both(paint, name, Told(f"{metric} by stage", f"{told}."), _WIDE, _NARROW)
