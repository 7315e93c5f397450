"""Several runs on one page: the verdict over all, a table, and their curves in one chart."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from markupsafe import Markup

from presight.core.wording import between, cut, duration, number, percent, points
from presight.errors import PresightError
from presight.evaluation.curve import Point, blind_guess, places, whole
from presight.evaluation.intervals import paired_difference
from presight.evaluation.score import Score
from presight.evaluation.verdict import Verdict, above_untrained, gaps, protocol_of_headline
from presight.reporting.blocks import Block, Figure, Multiples, Section, Table
from presight.reporting.cautions import Warned
from presight.reporting.charts.label_curve import Line, label_curve, readings
from presight.reporting.charts.scores import Dot, dots
from presight.reporting.reading import RunFacts, is_finite, series
from presight.reporting.sections import training, useful

_LEVELS = {"must": "Must know", "should": "Should know", "record": "For the record"}


@dataclasses.dataclass(frozen=True)
class Comparison:
    """The page's first part, where there are several runs."""

    verdict: Verdict
    warnings: Sequence[tuple[str, Warned]]
    sections: Sequence[Section]


def compare(runs: Sequence[RunFacts], most: int) -> Comparison:
    """What can be said over all runs; runs of other test images are not compared with each other.

    Args:
        runs: two or more, failed ones among them.
        most: points of a curve.
    """
    alike = _alike(runs)
    sections = [_table_section(runs)]
    curves = _curves(alike)
    if curves:
        sections.append(curves)
    figures = training.together(runs, "all", most)
    if figures:
        block = Multiples("The same numbers of all runs, epoch by epoch", figures,
                          "Losses of different methods do not compare, so none is drawn.",
                          _ends(runs))  # fmt: skip
        sections.append(Section("training", "Did they train well?", "", [block]))
    return Comparison(_verdict(runs, alike), [(_LEVELS[w.level], w) for w in _warned(runs, alike)],
                      sections)  # fmt: skip


def leader(runs: Sequence[RunFacts]) -> RunFacts | None:
    """The best of the runs that compare; None where none do."""
    ranked = _best(_alike(runs))[1]
    return ranked[0][1] if ranked else None


def _test_of(run: RunFacts) -> tuple[object, ...]:
    """What two runs must share for their scores to compare."""
    scores = whole(run.scores)
    if not scores:
        return ()
    details = scores[0].details
    names = ("train_fingerprint", "test_fingerprint", "split", "classes")
    return (*(str(details.get(name)) for name in names), scores[0].n_test)


def _alike(runs: Sequence[RunFacts]) -> list[RunFacts]:
    """The largest group of runs measured on the same labels and test images; the first if equal."""
    groups: dict[tuple[object, ...], list[RunFacts]] = {}
    for run in runs:
        if whole(run.scores) and places(run.scores, "pretrained", protocol_of_headline(run.scores)):
            groups.setdefault(_test_of(run), []).append(run)
    return max(groups.values(), key=len, default=[])


def _best(runs: Sequence[RunFacts]) -> tuple[int, list[tuple[Point, RunFacts]]]:
    """The most labels that all were measured with, and their points there, the best first."""
    found = [(run, {p.n_labels: p for p in _points(run)}) for run in runs]
    shared = set.intersection(*(set(at) for _, at in found)) if found else set()
    if not shared:
        return 0, []
    n = max(shared)
    ranked = [(at[n], run) for run, at in found]
    return n, sorted(ranked, key=lambda one: -one[0].mean)


def _points(run: RunFacts) -> list[Point]:
    return places(run.scores, "pretrained", protocol_of_headline(run.scores))


def _verdict(runs: Sequence[RunFacts], alike: Sequence[RunFacts]) -> Verdict:
    n, ranked = _best(alike)
    if len(ranked) < 2:
        why = "They were measured with different numbers of labels."
        if len(alike) < 2:
            why = "Not two of them were measured on the same labels and test images."
        return Verdict(f"{len(runs)} runs, of which", "none compare", "", why)
    (first, best), (_, second) = ranked[0], ranked[1]
    difference = _difference(best, second, n)
    name, other = cut(best.name, 40), cut(second.name, 40)
    if difference is None:
        lede = f"Next comes {other}; their results by image are not stored, so no interval."
    elif difference[1] > 0:
        value, low, high = difference
        span = f"95 % interval {between(low, high)}"
        lede = f"That is {100 * value:.1f} points ({span}) above {other}, the next."
    else:
        value, low, high = difference
        lede = (f"It cannot be told from {other}, the next: {points(value)} points ({points(low)} "
                f"to {points(high)}). Take the cheaper one.")  # fmt: skip
    over = gaps(best.scores, n)[:1]
    if over:
        own = dataclasses.replace(over[0], other="its own untrained network")
        lede += f" It is {own.words}."
    after = (f"(95 % interval {between(first.low, first.high)}, the best of {len(ranked)} runs "
             "that compare)")  # fmt: skip
    return Verdict(f"With {n:,} labels, {name} reaches", percent(first.mean), after, lede,
                   above_untrained(best.scores, n))  # fmt: skip


def _title(alike: Sequence[RunFacts]) -> str:
    """The finding of the chart: who leads, or that nobody does."""
    n, ranked = _best(alike)
    if len(ranked) < 2:
        return "Frozen features of the runs that compare"
    (_, best), (_, second) = ranked[0], ranked[1]
    difference = _difference(best, second, n)
    names = f"{cut(best.name, 30)} and {cut(second.name, 30)}"
    if difference is None or difference[1] <= 0:
        return f"With {n:,} labels {names} cannot be told apart"
    value, low, high = difference
    return (f"With {n:,} labels {cut(best.name, 30)} is {100 * value:.1f} points (95 % interval "
            f"{between(low, high)}) above {cut(second.name, 30)}")  # fmt: skip


def _difference(best: RunFacts, second: RunFacts, n: int) -> tuple[float, float, float] | None:
    """Paired over test images, where both hold results by image."""
    pair: list[Score] = []
    for run in (best, second):
        protocol = protocol_of_headline(run.scores)
        pair += [s for s in whole(run.scores) if s.row == "pretrained" and s.protocol == protocol
                 and s.n_train == n][:1]  # fmt: skip
    try:
        return paired_difference(pair[0].correct(), pair[1].correct())
    except (PresightError, IndexError):
        return None


def _warned(runs: Sequence[RunFacts], alike: Sequence[RunFacts]) -> list[Warned]:
    found = []
    failed = [
        cut(run.name, 30) for run in runs if run.status in ("failed", "diverged", "unreadable")
    ]
    if failed:
        text = f"{', '.join(failed)}: failed. They stay in the table."
        found.append(Warned("must", text))
    other = [cut(run.name, 30) for run in runs if run.scores and run not in alike]
    if other:
        text = f"{', '.join(other)}: other labels or test images, so not compared."
        found.append(Warned("must", text, "Evaluate them with the same labels."))
    missing = [cut(run.name, 30) for run in runs if not run.scores]
    if missing:
        text = f"{', '.join(missing)}: not measured."
        found.append(Warned("should", text, "presight evaluate RUN --labels LABELLED measures."))
    prints = {str(run.data.get("fingerprint")) for run in runs if run.data}
    if len(prints) > 1:
        text = "The runs were pretrained on different images."
        found.append(Warned("should", text, "A difference may be one of data, not of method."))
    return found


def _table_section(runs: Sequence[RunFacts]) -> Section:
    head = ("run", "method", "status", "labels", "linear probe, %", "kNN, %", "above untrained",
            "effective rank", "time")  # fmt: skip
    caption = "A line for each run, failures among them; intervals are 95 %"
    table = Table(head, [_row(run) for run in runs], caption=caption, sortable=True)
    return Section("runs", "All runs", f"{len(runs)} runs, side by side.", [table])


def _row(run: RunFacts) -> tuple[str, ...]:
    found = [places(run.scores, "pretrained", protocol) for protocol in ("linear", "knn")]
    n = max((p[-1].n_labels for p in found if p), default=0)
    over = gaps(run.scores, n)[:1] if n else []
    seconds, rank = run.info.get("seconds"), series(run.records, "rank")[1]
    return (
        cut(run.name),
        cut(run.config.get("method.name", "")),
        run.status,
        f"{n:,}" if n else "none",
        *(f"{100 * p[-1].mean:.1f} ({between(p[-1].low, p[-1].high)})" if p else "not measured"
          for p in found),
        points(over[0].value) if over else "not measured",
        number(round(rank[-1], 1)) if rank else "not measured",
        duration(float(seconds)) if is_finite(seconds) else "not known",
    )  # fmt: skip


def _curves(alike: Sequence[RunFacts]) -> Section | None:
    """The label curves of all runs that compare, in one chart."""
    lines: list[Line] = []
    for at, run in enumerate(alike):
        line = useful.line_of(run.scores, "pretrained", run.name, role="series", number=at)
        if line:
            lines.append(line)
    if len(lines) < 2:
        return None
    scores = alike[0].scores
    untrained = useful.line_of(scores, "untrained", "untrained", role="soft", number=1)
    drawn = [*lines, *([untrained] if untrained else [])]
    drawing, values = label_curve(drawn, blind_guess(scores), "all-curve"), readings(drawn)
    if max(len(line.places) for line in drawn) < 2:
        drawing, values = _dots(drawn, blind_guess(scores)), {}
    rows = [
        (cut(line.name), f"{p.n_labels:,}", f"{percent(p.mean)} ({between(p.low, p.high)})")
        for line in drawn
        for p in line.places
    ]
    table = Table(("run", "labels", "right answers"), rows)
    title = _title(alike)
    note = f"The untrained network is that of {cut(alike[0].name)}."
    figure = Figure(
        title, Markup(drawing), note if untrained else "", useful.protocol_of(scores), table,
        "accuracy by run", values or None, "all-curve" if values else "",
    )  # fmt: skip
    blocks: list[Block] = [figure]
    return Section("useful", "Which one is useful?", "", blocks)


def _dots(lines: Sequence[Line], blind: float | None) -> str:
    """With one number of labels a line is a dot."""
    shown = [
        Dot(line.name, 0, p.mean, p.low, p.high, line.role == "series")
        for line in lines
        for p in line.places
    ]
    return dots(shown, [""], blind, "all-scores")


def _ends(runs: Sequence[RunFacts]) -> Table:
    keys = ("rank", "spread", "ridge_accuracy")
    rows = []
    for run in runs:
        ends = [series(run.records, key)[1][-1:] for key in keys]
        rows.append((cut(run.name), *(number(end[0]) if end else "not measured" for end in ends)))
    return Table(("run", "effective rank", "spread", "ridge accuracy"), rows)
