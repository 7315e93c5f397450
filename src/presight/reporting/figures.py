"""Charts as SVG that takes its colors and type from the page's style sheet."""

from __future__ import annotations

import dataclasses
import io
import re
import warnings
from collections.abc import Callable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from presight.evaluation.score import Score
from presight.reporting.wording import cut, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Colors that matplotlib writes and the page then replaces, so that one drawing serves light and
# dark. The values themselves are never seen.
_TOKENS = {
    "#0a0001": "var(--ink)",
    "#0a0002": "var(--soft)",
    "#0a0003": "var(--faint)",
    "#0a0004": "var(--accent)",
    "#0a0005": "var(--paper)",
}
INK, SOFT, FAINT, ACCENT, PAPER = _TOKENS

_POINTS = 400
_SETTINGS: Any = {
    "text.usetex": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "presight",
    "text.parse_math": False,  # names of files and classes may hold a dollar
    "axes.formatter.use_mathtext": False,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.0,
    "text.color": INK,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": SOFT,
    "axes.linewidth": 0.75,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "grid.color": FAINT,
    "grid.linewidth": 0.75,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
}


@dataclasses.dataclass(frozen=True)
class Chart:
    """A chart for wide and one for narrow pages, as SVG that may stand in HTML."""

    wide: str
    narrow: str


def _drawn(
    paint: Callable[[Axes, bool], None], name: str, description: str, height: tuple[float, float]
) -> Chart:
    drawings = []
    for suffix, width, tall in (("w", 7.36, height[0]), ("n", 3.6, height[1])):
        raw = _svg(paint, width, tall, narrow=suffix == "n")
        drawings.append(_inline(raw, f"{name}-{suffix}", suffix, description))
    return Chart(*drawings)


def _svg(paint: Callable[[Axes, bool], None], width: float, height: float, narrow: bool) -> str:
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_SETTINGS), warnings.catch_warnings():
        # The reader's fonts draw the text; what the measuring font lacks does not matter.
        warnings.filterwarnings("ignore", message="Glyph")
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasSVG(figure)
        paint(figure.subplots(), narrow)
        held = io.StringIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(held, format="svg", metadata=nothing)
    return held.getvalue()


def _inline(svg: str, name: str, kind: str, description: str) -> str:
    """The drawing for use inside a page: no head, no styles of its own, names of its own."""
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r"<style[^>]*>.*?</style>", "", body, flags=re.DOTALL)
    body = re.sub(r"<!--.*?-->", "", body, flags=re.DOTALL)
    view = re.search(r'viewBox="([0-9. -]+)"', body)
    assert view is not None
    body = body[body.index(">") + 1 :]
    body = re.sub(r'\bid="([^"]*)"', rf'id="{name}-\1"', body)
    body = body.replace("url(#", f"url(#{name}-").replace('xlink:href="#', f'href="#{name}-')
    body = re.sub(r"font: ([^;\"']*?px) [^;\"]*", r"font: \1 var(--sans)", body)
    body = re.sub(r"font-family: [^;\"]*", "font-family: var(--sans)", body)
    for color, token in _TOKENS.items():
        body = body.replace(color, token)
    told = escape(description)
    return (
        f'<svg class="{kind}" viewBox="{view[1]}" role="img" aria-label="{told}">'
        f"<desc>{told}</desc>{body}"
    )


def scores_chart(scores: Sequence[Score], name: str) -> Chart:
    """Rows from best to worst, a dot and a whisker a protocol; the blind guess is a line."""
    shown = [score for score in scores if score.protocol in ("linear", "knn")]
    rows = list(dict.fromkeys(score.row for score in shown))
    best = {row: max(score.value for score in shown if score.row == row) for row in rows}
    rows.sort(key=lambda row: best[row])
    blind = next((score for score in scores if score.protocol == "majority"), None)

    def paint(axes: Axes, narrow: bool) -> None:
        _score_rows(axes, shown, rows)
        if blind is not None:
            axes.axvline(100 * blind.value, color=SOFT, linewidth=1, linestyle=(0, (1.5, 3.5)))
            _beside(axes, 100 * blind.value, len(rows) - 0.4, "blind guess")
        axes.set_ylim(-0.6, len(rows) - 0.2)
        axes.set_yticks(range(len(rows)), [cut(row, 16 if narrow else 40) for row in rows])
        axes.set_xlabel("accuracy, %, and 95 % interval")
        axes.xaxis.grid(True)
        axes.set_axisbelow(True)
        axes.spines["left"].set_visible(False)
        axes.tick_params(length=0)

    told = "; ".join(f"{cut(s.row)} {s.protocol} {100 * s.value:.1f} %" for s in shown)
    tall = 1.0 + 0.5 * len(rows)
    return _drawn(paint, name, f"Accuracy: {told}.", (tall, tall))


def _score_rows(axes: Axes, shown: Sequence[Score], rows: Sequence[str]) -> None:
    """Dots: filled for the linear probe, open for kNN; the first row names them."""
    for score in shown:
        linear = score.protocol == "linear"
        y = rows.index(score.row) + (0.14 if linear else -0.14)
        color = ACCENT if score.row == "pretrained" else INK
        value, low, high = 100 * score.value, 100 * score.low, 100 * score.high
        axes.plot([low, high], [y, y], color=color, linewidth=1.4, solid_capstyle="butt")
        axes.plot(
            [value], [y], marker="o", markersize=6, color=color,
            markerfacecolor=color if linear else PAPER, markeredgewidth=1.4,
        )  # fmt: skip
        if score.row == rows[-1]:
            _beside(axes, high, y, "linear probe" if linear else "kNN")


def _beside(axes: Axes, x: float, y: float, text: str) -> None:
    """A label right of a point; SVG drops leading spaces, so the gap is an offset."""
    axes.annotate(text, (x, y), xytext=(6, 0), textcoords="offset points", va="center", color=SOFT)


def curve_chart(
    at: Sequence[float], values: Sequence[float], name: str, what: str, bound: float | None = None
) -> Chart:
    """One number over the epochs; a bound, such as the width for a rank, is a dashed line."""
    at, values = _thinned(at, values)

    def paint(axes: Axes, narrow: bool) -> None:
        axes.plot(at, values, color=ACCENT, linewidth=1.8, solid_joinstyle="round")
        if bound is not None:
            axes.axhline(bound, color=SOFT, linewidth=1, linestyle=(0, (7, 4)))
            axes.text(at[0], bound, number(bound), va="bottom", color=SOFT)
        axes.set_xlabel("epoch")
        axes.set_ylabel(what)
        axes.yaxis.grid(True)
        axes.set_axisbelow(True)
        axes.margins(x=0.02)
        axes.locator_params(nbins=4 if narrow else 6)

    told = f"{what} from {number(values[0])} to {number(values[-1])} over {number(at[-1])} epochs."
    return _drawn(paint, name, told, (2.3, 2.1))


def _thinned(at: Sequence[float], values: Sequence[float]) -> tuple[list[float], list[float]]:
    """At most `_POINTS` points, first and last among them."""
    step = max(1, -(-len(at) // _POINTS))
    keep = sorted({*range(0, len(at), step), len(at) - 1})
    return [at[i] for i in keep], [values[i] for i in keep]
