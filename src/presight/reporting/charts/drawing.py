"""SVG drawings by matplotlib, with the page's colors and type, for wide and for narrow pages."""

from __future__ import annotations

import dataclasses
import io
import re
import warnings
from collections.abc import Callable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from presight.core.wording import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SERIES = 8
"""Colors that tell runs or classes apart; the style sheet has them as --c0 to --c7."""

# Colors that matplotlib writes and the page then replaces, so that one drawing serves light and
# dark. The values themselves are never seen.
_NAMED = ("ink", "soft", "faint", "accent", "paper", *(f"c{i}" for i in range(SERIES)))
_TOKENS = {f"#0a00{at:02x}": f"var(--{name})" for at, name in enumerate(_NAMED, start=1)}
INK, SOFT, FAINT, ACCENT, PAPER, *COLORS = _TOKENS

DASHES: tuple[Any, ...] = ("-", (0, (6, 2)), (0, (2, 2)), (0, (9, 3, 2, 3)))
"""Lines of equal color differ by these; the first is solid."""

_DOTS_AN_INCH = 72
_PIXEL = 0.72  # points: a drawing of 736 pixels is 7.36 inches wide
_SETTINGS: Any = {
    "text.usetex": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "presight",
    "text.parse_math": False,  # names of files and classes may hold a dollar
    "axes.formatter.use_mathtext": False,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 12 * _PIXEL,
    "text.color": INK,
    "axes.labelcolor": SOFT,
    "axes.edgecolor": SOFT,
    "axes.linewidth": 0.72,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.axisbelow": True,
    "grid.color": FAINT,
    "grid.linewidth": 0.72,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelsize": 11.5 * _PIXEL,
    "ytick.labelsize": 11.5 * _PIXEL,
    "ytick.major.size": 0,
    "ytick.major.pad": 7,
    "xtick.major.size": 3,
}


@dataclasses.dataclass(frozen=True)
class Size:
    """A drawing and the room around its axes, in pixels."""

    width: int
    height: int
    left: int = 34
    right: int = 16
    top: int = 30
    bottom: int = 48


@dataclasses.dataclass(frozen=True)
class Told:
    """What a drawing says to those who do not see it: its title, and its key numbers."""

    title: str
    numbers: str


Paint = Callable[["Axes", bool], None]


def both(paint: Paint, name: str, told: Told, wide: Size, narrow: Size) -> str:
    """A drawing for wide pages and one for narrow ones, of which the page shows one."""
    return _one(paint, f"{name}-w", told, wide, "w") + _one(paint, f"{name}-n", told, narrow, "n")


def single(paint: Paint, name: str, told: Told, size: Size) -> str:
    """A small drawing that serves all pages."""
    return _one(paint, f"{name}-s", told, size, "s")


def head(axes: Axes, text: str) -> None:
    """The name of the vertical axis, above it where it is read first."""
    axes.annotate(
        text, (0, 1), xytext=(0, 12 * _PIXEL), xycoords="axes fraction", textcoords="offset points",
        color=SOFT, va="baseline",
    )  # fmt: skip


def beside(axes: Axes, x: float, y: float, text: str, color: str = SOFT, **style: Any) -> None:
    """A label right of a point; SVG drops leading spaces, so the gap is an offset."""
    axes.annotate(
        text, (x, y), xytext=(6, 0), textcoords="offset points", va="center", color=color,
        annotation_clip=False, **style,
    )  # fmt: skip


def thinned(
    at: Sequence[float], values: Sequence[float], most: int = 400
) -> tuple[list[float], list[float]]:
    """At most `most` points, first and last among them."""
    step = max(1, -(-len(at) // max(1, most - 1)))
    keep = sorted({*range(0, len(at), step), len(at) - 1})
    return [at[i] for i in keep], [values[i] for i in keep]


def _one(paint: Paint, name: str, told: Told, size: Size, kind: str) -> str:
    return _inline(_svg(paint, size, narrow=kind != "w"), name, kind, told)


def _svg(paint: Paint, size: Size, *, narrow: bool) -> str:
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_SETTINGS), warnings.catch_warnings():
        # The reader's fonts draw the text; what the measuring font lacks does not matter.
        warnings.filterwarnings("ignore", message="Glyph")
        figure = Figure(figsize=(size.width / 100, size.height / 100), dpi=_DOTS_AN_INCH)
        FigureCanvasSVG(figure)
        left, bottom = size.left / size.width, size.bottom / size.height
        across = 1 - (size.left + size.right) / size.width
        axes = figure.add_axes((left, bottom, across, 1 - bottom - size.top / size.height))
        paint(axes, narrow)
        held = io.StringIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(held, format="svg", metadata=nothing)
    return held.getvalue()


def _inline(svg: str, name: str, kind: str, told: Told) -> str:
    """The drawing for use inside a page: no head, no styles of its own, names of its own."""
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r"<style[^>]*>.*?</style>", "", body, flags=re.DOTALL)
    body = re.sub(r"<!--.*?-->", "", body, flags=re.DOTALL)
    view = re.search(r'viewBox="([0-9. -]+)"', body)
    assert view is not None
    body = body[body.index(">") + 1 :]
    used = set(re.findall(r"#([A-Za-z0-9_]+)", body))
    body = re.sub(r' id="([^"]*)"', lambda m: f' id="{name}-{m[1]}"' if m[1] in used else "", body)
    body = body.replace("url(#", f"url(#{name}-").replace('xlink:href="#', f'href="#{name}-')
    body = re.sub(r"font: ([^;\"']*?px) [^;\"]*", r"font: \1 var(--sans)", body)
    body = re.sub(r"font-family: [^;\"]*", "font-family: var(--sans)", body)
    body = re.sub(r"\n\s*", "\n", body)
    for color, token in _TOKENS.items():
        body = body.replace(color, token)
    return (
        f'<svg class="{kind}" viewBox="{view[1]}" role="img" aria-labelledby="{name}-t {name}-d">'
        f'<title id="{name}-t">{escape(visible(told.title))}</title>'
        f'<desc id="{name}-d">{escape(visible(told.numbers))}</desc>{body}'
    )
