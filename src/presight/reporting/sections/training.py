"""Did it train well: the curves of the log, and what they say."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from markupsafe import Markup

from presight.core.wording import cut, number
from presight.reporting.blocks import Figure, Multiples, Section, Table
from presight.reporting.charts.training import Series, over_epochs
from presight.reporting.reading import RunFacts, series


@dataclasses.dataclass(frozen=True)
class Curve:
    """A number of the log: its name there, what it is called, and what it means."""

    key: str
    what: str
    note: str
    scale: float = 1.0


CURVES = (
    Curve("loss", "loss", "The method's own; not to be compared between methods."),
    Curve("ridge_accuracy", "ridge on held-out labels, %",
          "A quick probe while it trains; it chooses nothing.", 100.0),
    Curve("rank", "effective rank", "Directions that a batch's embedding uses; no merit."),
    Curve("spread", "spread of the embedding", "0 means that all images are alike."),
    Curve("lr", "learning rate", ""),
    Curve("gradient_norm", "norm of the gradient", ""),
    Curve("images_per_second", "images a second", "Waits for data included."),
    Curve("data_wait", "share of time that waits for data, %", "", 100.0),
)  # fmt: skip
_MAIN = ("loss", "ridge_accuracy", "rank", "spread")


def section(run: RunFacts, prefix: str, most: int = 400) -> Section:
    """All curves of which the log holds two records or more."""
    figures, rows = [], []
    for curve in CURVES:
        at, values = series(run.records, curve.key)
        if len(values) < 2:
            continue
        values = [curve.scale * value for value in values]
        drawing = over_epochs(
            [Series(at, values)], f"{prefix}-{curve.key}", curve.what,
            bound=_bound(run, curve.key), most=most,
        )  # fmt: skip
        figures.append(Figure("", Markup(drawing), curve.note))
        row = (values[0], values[-1], min(values), max(values))
        rows.append((curve.what, *(number(v) for v in row), f"{len(values):,}"))
    if not figures:
        return Section("training", "Did it train well?", "The log holds no two records; nothing "
                       "can be drawn.", ())  # fmt: skip
    head = ("number", "first", "last", "least", "greatest", "records")
    table = Table(head, rows)
    epochs = series(run.records, "loss")[0] or [0.0]
    protocol = f"{number(round(epochs[-1], 2))} epochs; every record is a mean over its updates."
    block = Multiples(_title(run), figures, protocol, table)
    return Section("training", "Did it train well?", _finding(run), [block], _NOTES)


_NOTES = (
    ("Effective rank:", "how many directions the embedding really uses. A high rank of noise is "
     "still noise."),
    ("Spread:", "how far apart embeddings lie; near 0 all images look alike."),
)  # fmt: skip


def _bound(run: RunFacts, key: str) -> tuple[float, str] | None:
    """The width for a rank, the loss at collapse for a loss: where they are near the values."""
    name, words = {
        "rank": ("dim", "{} dimensions"),
        "loss": ("collapsed", "{}: all images alike"),
    }.get(key, ("", ""))
    found = series(run.records, name)[1][-1:] if name else []
    return (found[0], words.format(number(found[0]))) if found else None


def _finding(run: RunFacts) -> str:
    """What the loss and the rank did, in a sentence or two."""
    told = (
        [f"{change(run, 'loss', 'The loss')}."] if len(series(run.records, "loss")[1]) > 1 else []
    )
    rank, width = series(run.records, "rank")[1], series(run.records, "dim")[1]
    if rank and width:
        told.append(f"At the end the embedding used {number(round(rank[-1], 1))} of "
                    f"{number(width[-1])} dimensions.")  # fmt: skip
    return " ".join(told) or "The log holds curves, but no loss."


def _title(run: RunFacts) -> str:
    measured = [curve.what.partition(",")[0] for curve in CURVES if curve.key in _MAIN
                and len(series(run.records, curve.key)[1]) > 1]  # fmt: skip
    words = " and ".join(filter(None, (", ".join(measured[:-1]), *measured[-1:])))
    return f"{words[:1].upper()}{words[1:]}, epoch by epoch" if words else "Epoch by epoch"


def change(run: RunFacts, name: str, what: str) -> str:
    """From where to where a curve went."""
    values = series(run.records, name)[1]
    first, last = values[0], values[-1]
    verb = "rose" if last > first else "fell"
    if abs(last - first) <= 0.01 * max(abs(first), abs(last)):
        return f"{what} stayed at {number(last)}"
    return f"{what} {verb} from {number(first)} to {number(last)}"


def together(runs: Sequence[RunFacts], prefix: str, most: int) -> list[Figure]:
    """The curves that compare between runs, one drawing each."""
    found = []
    for curve in CURVES:
        if curve.key not in ("ridge_accuracy", "rank", "spread"):
            continue
        lines = []
        for run in runs:
            at, values = series(run.records, curve.key)
            if len(values) > 1:
                lines.append(Series(at, [curve.scale * v for v in values], cut(run.name, 30)))
        if len(lines) > 1:
            drawing = over_epochs(lines, f"{prefix}-{curve.key}", curve.what, most=most)
            found.append(Figure("", Markup(drawing), curve.note))
    return found
