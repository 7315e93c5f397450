"""Is it useful: accuracy against labels, beside the rows that put it in proportion."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from presight.core.wording import between, cut, percent, points
from presight.evaluation import verdict as findings
from presight.evaluation.curve import blind_guess, places, whole
from presight.evaluation.score import Score
from presight.evaluation.table import protocols
from presight.reporting.blocks import Block, Figure, Section, Table, Words
from presight.reporting.charts.label_curve import Line, Place, label_curve, readings
from presight.reporting.charts.scores import Dot, dots
from presight.reporting.reading import RunFacts

_ROLES = {"pretrained": "main", "untrained": "ink", "raw pixels": "soft"}
_NAMES = {"knn": "kNN", "linear": "linear probe", "majority": "majority"}
_ASK = "presight evaluate RUN --labels LABELLED"


def section(run: RunFacts, prefix: str) -> Section:
    """The section; where nothing was measured, the command that measures."""
    scores = whole(run.scores)
    if not scores:
        ask = Words("With labelled images this command measures it:", "", _ASK)
        return Section("useful", "Is it useful?", "Not measured.", [ask])
    curve = _curve(run, scores, f"{prefix}-curve")
    blocks: list[Block] = [curve] if curve else [_dots(scores, f"{prefix}-scores")]
    compared = _gaps(scores)
    if compared:
        blocks.append(compared)
    return Section("useful", "Is it useful?", findings.usefulness(scores), blocks, _NOTES)


_NOTES = (
    ("Blind guess:", "always the commonest class. Untrained: the same network before any training. "
     "Raw pixels: no network at all."),
    ("Linear probe:", "one linear layer on frozen features. kNN: the classes of the nearest "
     "labelled images."),
)  # fmt: skip


def line_of(scores: Sequence[Score], row: str, name: str, **style: object) -> Line | None:
    """A row's line, by the linear probe where it was used, else by neighbors."""
    for protocol in ("linear", "knn"):
        found = places(scores, row, protocol)
        if found:
            shown = [Place(p.n_labels, p.mean, p.low, p.high, p.values) for p in found]
            return Line(name, shown, **style)  # type: ignore[arg-type]
    return None


def _curve(run: RunFacts, scores: list[Score], name: str) -> Figure | None:
    """The label curve; None where there is one number of labels only."""
    rows = [row for row in dict.fromkeys(s.row for s in scores) if row != "blind guess"]
    lines = [line_of(scores, row, row, role=_ROLES.get(row, "ink"), number=at)
             for at, row in enumerate(rows)]  # fmt: skip
    drawn = [line for line in lines if line is not None]
    if not drawn or max(len(line.places) for line in drawn) < 2:
        return None
    drawing = label_curve(drawn, blind_guess(scores), name)
    return Figure(
        findings.curve_title(scores), Markup(drawing), "", protocol_of(scores), table(scores),
        "accuracy by labels", readings(drawn), name,
    )  # fmt: skip


def _dots(scores: list[Score], name: str) -> Figure:
    kinds = [p for p in ("linear", "knn") if any(s.protocol == p for s in scores)]
    shown = [
        Dot(s.row, kinds.index(s.protocol), s.value, s.low, s.high, s.row == "pretrained")
        for s in scores
        if s.protocol in kinds
    ] or [Dot(s.row, 0, s.value, s.low, s.high) for s in scores]
    drawing = dots(shown, [_NAMES[p] for p in kinds] or [""], blind_guess(scores), name)
    return Figure(findings.curve_title(scores), Markup(drawing), "", protocol_of(scores),
                  table(scores), "accuracy by row")  # fmt: skip


def protocol_of(scores: Sequence[Score]) -> str:
    """What all numbers of the figure depend on."""
    first = scores[0]
    split = first.details.get("split", "given")
    seeds = len({score.seed for score in scores})
    counts = sorted({score.n_train for score in scores})
    labels = ", ".join(f"{n:,}" for n in counts)
    several = len(counts) > 1 or seeds > 1
    over = "label seeds and test images" if seeds > 1 else "test images"
    told = [
        f"Top-1 accuracy on {first.n_test:,} test images ({cut(split)})",
        "frozen features of the image's center",
        f"{labels} labels" + (", nested subsets, the same for all rows" if several else ""),
        f"{seeds} label seed{'s' if seeds > 1 else ''}",
        f"{'bands' if len(counts) > 1 else 'whiskers'} are 95 % intervals over {over}",
        "the strength of the linear probe is chosen on a part of train",
    ]
    return "; ".join(told) + "."


def table(scores: Sequence[Score]) -> Table:
    """A line for each number of labels and row."""
    columns = protocols(list(scores)) or ["majority"]
    rows = []
    for row in dict.fromkeys(score.row for score in scores):
        found = {p: {at.n_labels: at for at in places(scores, row, p)}
                 for p in (*columns, "majority")}  # fmt: skip
        for n in sorted({n for by_count in found.values() for n in by_count}):
            cells = [found[p].get(n) or found["majority"].get(n) for p in columns]
            rows.append((cut(row), f"{n:,}", *(
                f"{percent(c.mean)} ({between(c.low, c.high)})" if c else "not measured"
                for c in cells)))  # fmt: skip
    return Table(("row", "labels", *(_NAMES.get(p, cut(p)) for p in columns)), rows)


def _gaps(scores: list[Score]) -> Table | None:
    found = {n: {gap.other: gap for gap in findings.gaps(scores, n)}
             for n in sorted({score.n_train for score in scores})}  # fmt: skip
    others = list(dict.fromkeys(name for gaps in found.values() for name in gaps))
    rows = [
        (f"{n:,}", *(_gap(gaps.get(name)) for name in others)) for n, gaps in found.items() if gaps
    ]
    caption = (
        "Pretrained features in points above the other rows, paired on the same test images, with "
        "95 % intervals"
    )
    head = ("labels", *(f"above {name}" for name in others))
    return Table(head, rows, caption=caption) if rows else None


def _gap(gap: findings.Gap | None) -> str:
    if gap is None:
        return "not measured"
    return f"{points(gap.value)} ({points(gap.low)} to {points(gap.high)})"
