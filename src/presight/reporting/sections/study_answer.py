"""A study's answer for one task: what labels buy and save, frozen or fine-tuned, and by stage."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from presight.core.wording import between, cut, percent, points
from presight.evaluation.verdict import upper
from presight.reporting.blocks import Block, Figure, Section, Table
from presight.reporting.charts import utility
from presight.reporting.charts.differences import Curve, differences
from presight.reporting.charts.label_curve import Line, Place, label_curve, readings
from presight.reporting.charts.ladder import ladder
from presight.reporting.charts.utility import Saved
from presight.reporting.sections.study_reading import AnswerFacts, Arm, Entry, Gap

MOST = 8
"""Lines of a chart."""


def sections(answer: AnswerFacts, prefix: str) -> list[Section]:
    """The sections of one answer, but for cost and pictures.

    Args:
        answer: of the study.
        prefix: of names in the page.
    """
    found = [_curves(answer, prefix), _saved(answer, prefix), _modes(answer, prefix),
             _stages(answer, prefix)]  # fmt: skip
    return [section for section in found if section is not None]


def span(gap: Gap) -> str:
    """A difference of shares with its interval, in points."""
    value, low, high = gap
    return f"{points(value)} ({points(low)} to {points(high)})"


def _curves(answer: AnswerFacts, prefix: str) -> Section:
    loud = _loud(answer)
    name = f"{prefix}-curve"
    drawing = label_curve([*loud, *_quiet(answer)], None, name, answer.metric)
    times = "repetition" if answer.seeds == 1 else "repetitions"
    figure = Figure(
        _leading(answer),
        Markup(drawing),
        sub="Solid lines are frozen, dashed ones fine-tuned; thin lines are there for proportion."
        if any(line.role == "series" for line in loud) else "",
        protocol=f"{cut(answer.metric)} on the test images; {answer.seeds} {times}, a dot each, "
        "with a pretraining, a choice of labels and draws of its own; bands are 95 % over "
        "repetitions and test images",
        table=_scores(answer),
        name="scores",
        values=readings(loud),
        id=name,
    )  # fmt: skip
    return Section("labels", "What do labels buy?", _gained(answer), [figure])


def _loud(answer: AnswerFacts) -> list[Line]:
    """What is compared: the pretrained and scratch; an arm keeps its color in both modes."""
    found = []
    for entry in answer.entries:
        name = answer.name_of(entry)
        if entry.pretrained:
            color = answer.arms.index(entry.arm)
            found.append(Line(name, entry.places, "series", color, entry.dash))
        elif entry.arm.method == "none" and entry.mode == "finetune":
            found.append(Line(name, entry.places, "ink", 1))
    kept = found[:MOST]
    scratch = [line for line in found if line.role == "ink"][:1]
    return kept if not scratch or scratch[0] in kept else [*kept[:-1], *scratch] or found


def _quiet(answer: AnswerFacts) -> list[Line]:
    """What is there for proportion: anchors, the untrained, and scratch with all labels."""
    found = []
    for entry in answer.entries:
        method = entry.arm.method
        if method in ("blind", "pixels"):
            dash = 0 if method == "blind" else 1
            found.append(Line(answer.name_of(entry), entry.places, "quiet", dash))
        elif method == "none" and entry.mode == "frozen":
            found.append(Line(answer.name_of(entry), entry.places, "quiet", 2))
    ends = (answer.labels[0], answer.labels[-1])
    for backbone, value in answer.maximal.items():
        name = f"all labels, {backbone}" if answer.several else "all labels"
        found.append(Line(name, [Place(n, value, value, value) for n in ends], "quiet", 3))
    return found


def _leading(answer: AnswerFacts) -> str:
    """The chart's finding: the best with the most labels, and scratch of its backbone."""
    best = next((one for one in answer.entries if one.arm.backbone), answer.entries[0])
    place = best.places[-1]
    who = answer.said(best) if best.pretrained else answer.name_of(best)
    told = (f"With {place.n_labels:,} labels {who} reaches {percent(place.mean)} "
            f"(95 % interval {between(place.low, place.high)})")  # fmt: skip
    scratch = next((one for one in answer.entries if one.mode == "finetune"
                    and one.arm == Arm("none", best.arm.backbone)), None)  # fmt: skip
    if scratch is None or scratch is best:
        return told
    return f"{told}, scratch {percent(scratch.places[-1].mean)}"


def _gained(answer: AnswerFacts) -> str:
    """What the best pretrained one has over scratch, with the fewest and the most labels."""
    best = answer.best
    if best is None or not best.gaps:
        return ""
    few, many = best.gaps[0], best.gaps[-1]
    name = upper(answer.said(best))
    told = f"{name} has {span(few)} points over scratch with {answer.labels[0]:,} labels"
    if len(answer.labels) == 1:
        return f"{told}."
    return f"{told}, {span(many)} with {answer.labels[-1]:,}."


def _scores(answer: AnswerFacts) -> Table:
    rows = [
        [cut(answer.name_of(entry))]
        + [f"{percent(p.mean)} ({between(p.low, p.high)})" for p in entry.places]
        for entry in answer.entries
    ]
    for backbone, value in answer.maximal.items():
        blank = [""] * (len(answer.labels) - 1)
        rows.append([cut(f"maximal supervision, {backbone}"), *blank, percent(value)])
    return Table(["", *(f"{n:,}" for n in answer.labels)], rows)


def _saved(answer: AnswerFacts, prefix: str) -> Section | None:
    arms = [
        utility.Arm(answer.name_of(one), one.saved, answer.arms.index(one.arm), one.dash)
        for one in answer.entries
        if one.pretrained and one.saved
    ][:MOST]
    if not arms:
        return None
    rows = [[cut(arm.name), *map(saved_words, arm.found)] for arm in arms]
    figure = Figure(
        "Labels that training from scratch needs for the same score",
        Markup(utility.utility_chart(arms, f"{prefix}-utility")),
        sub="On the dotted line nothing is saved; a triangle says that the value lies beyond what "
        "was measured from scratch, a ring that scratch hardly rises there.",
        protocol="scratch's curve is made non-decreasing, read linearly in the logarithm of labels "
        "and never extrapolated; intervals are 95 % over both curves' repetitions and test images",
        table=Table(["", *(f"{n:,}" for n in answer.labels)], rows),
        name="labels needed from scratch",
    )
    finding = _worked(answer)
    return Section("utility", "How many labels does pretraining save?", finding, [figure])


def _worked(answer: AnswerFacts) -> str:
    """The largest number of labels at which the best pretrained one surely saves some."""
    best = answer.best
    for one in reversed(best.saved if best else []):
        if best and one.known == "ok" and one.low is not None and one.low > one.n_labels:
            return (f"With {answer.said(best)}, {one.n_labels:,} labels do the work of "
                    f"{saved_words(one)}.")  # fmt: skip
    return "Labels saved cannot be told from none."


def saved_words(one: Saved) -> str:
    """Labels needed from scratch, with their interval, or the bound that is known."""
    if one.known == "right_censored":
        return f"more than {one.needed:,.0f}"
    if one.known == "left_censored":
        return f"fewer than {one.needed:,.0f}"
    low = "fewer" if one.low is None else f"{one.low:,.0f}"
    high = "more" if one.high is None else f"{one.high:,.0f}"
    return f"{one.needed:,.0f} ({low} to {high})" + ("; flat" if one.known == "flat" else "")


def _modes(answer: AnswerFacts, prefix: str) -> Section | None:
    """Fine-tuned less frozen; scores of both in the table."""
    pairs: dict[Arm, dict[str, Entry]] = {}
    for entry in answer.entries:
        if entry.arm.method not in ("blind", "pixels"):
            pairs.setdefault(entry.arm, {})[entry.mode] = entry
    both = {arm: modes for arm, modes in pairs.items() if len(modes) == 2}
    if not both:
        return None
    rows = [
        [answer.name_of(arm) if arm.pretrained else "not pretrained", word,
         *(percent(place.mean) for place in modes[mode].places)]
        for arm, modes in both.items()
        for mode, word in (("frozen", "frozen"), ("finetune", "fine-tuned"))
    ]  # fmt: skip
    table = Table(["", "", *(f"{n:,}" for n in answer.labels)], rows)
    curves = [(answer.name_of(arm), answer.arms.index(arm), found) for arm, found in answer.modes
              if arm in answer.arms][:MOST]  # fmt: skip
    if not curves:
        return Section("modes", "Frozen or fine-tuned?", "", [table])
    figure = Figure(
        "What fine-tuning has over freezing",
        Markup(differences(curves, answer.labels, f"{prefix}-modes", "fine-tune", "freeze")),
        protocol="difference of the two on the same test images and repetitions; bars are 95 % "
        "intervals, filled dots those that keep clear of 0",
        table=table,
        name="scores, frozen and fine-tuned",
    )
    return Section("modes", "Frozen or fine-tuned?", _advice(curves, answer.labels), [figure])


def _advice(curves: Sequence[Curve], labels: Sequence[int]) -> str:
    """What to do with the fewest and with the most labels, as far as it is clear."""
    told = []
    for at in (0, -1) if len(labels) > 1 else (0,):
        tune = [name for name, _, found in curves if found[at][1] > 0]
        freeze = [name for name, _, found in curves if found[at][2] < 0]
        parts = [f"{word} {' and '.join(names)}" for word, names in
                 (("freeze", freeze), ("fine-tune", tune)) if names]  # fmt: skip
        many = f"with {labels[at]:,} labels"
        told.append(f"{many} {', '.join(parts)}" if parts else f"{many} it cannot be told")
    return f"{upper('; '.join(told))}."


def _stages(answer: AnswerFacts, prefix: str) -> Section | None:
    found = list(answer.stages)
    if not found:
        return None
    first = next((one for one in found if one.arm.pretrained), found[0])
    shown = [one for one in found if one.names == first.names
             and one.n_labels == first.n_labels][:MOST]  # fmt: skip
    names = [answer.name_of(one.arm) if one.arm.pretrained else "untrained" for one in shown]
    lines = [
        (name, one.scores, answer.arms.index(one.arm) if one.arm in answer.arms else None)
        for name, one in zip(names, shown, strict=True)
    ]
    rows = [
        [name, *(f"{percent(value)} ({between(low, high)})" for value, low, high in one.scores)]
        for name, one in zip(names, shown, strict=True)
    ]
    best = max(range(len(first.scores)), key=lambda at: first.scores[at][0])
    figure = Figure(
        "Frozen scores by stage",
        Markup(ladder(lines, first.names, f"{prefix}-stages", answer.metric)),
        protocol=f"each stage's map alone, frozen, with {first.n_labels:,} labels; bands are 95 % "
        "over repetitions and test images",
        table=Table(["", *first.names], rows),
        name="stages",
    )
    where = first.names[best]
    of = "the whole" if where == "whole" else f"stage {where}"
    told = (f"Of {answer.name_of(first.arm)}, {of} tells most: "
            f"{percent(first.scores[best][0])}.")  # fmt: skip
    blocks: list[Block] = [figure]
    return Section("stages", "Where in the network is it?", told, blocks)
