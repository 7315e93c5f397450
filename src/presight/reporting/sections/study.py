"""A study on one page: the answer, what labels buy, labels saved, frozen and fine-tuned, cost."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from presight.core.wording import between, cut, percent
from presight.errors import IntegrityError
from presight.evaluation.verdict import Verdict, upper
from presight.reporting.blocks import Figure, Section, Table
from presight.reporting.charts.label_curve import Line, Place, label_curve, readings
from presight.reporting.charts.utility import Saved, utility_chart
from presight.reporting.sections import claims
from presight.store.plain import read_table

FILE = "study.json"
_HOW = {"frozen": "frozen", "finetune": "fine-tuned"}
_MOST = 8
"""Lines of a chart."""


@dataclasses.dataclass(frozen=True)
class Entry:
    """An arm in a mode, as the study's file tells it."""

    method: str
    backbone: str
    mode: str
    places: Sequence[Place]
    saved: Sequence[Saved]
    scenario: Mapping[str, Any] | None

    def name(self, several: bool) -> str:
        """In words; with the backbone where there are several."""
        method, how = Path(self.method).name, _HOW.get(self.mode, self.mode)
        if method == "none":
            method, how = ("scratch" if self.mode == "finetune" else "untrained"), ""
        return ", ".join(filter(None, (method, self.backbone if several else "", how)))


@dataclasses.dataclass(frozen=True)
class StudyFacts:
    """What a study's file says.

    Args:
        name: of the folder.
        metric: that scores are of.
        labels: numbers of labels, ascending.
        sentence: the answer.
        entries: the best first.
        plan: what was asked.
        claims: the section of what others claim, where there is one.
    """

    name: str
    metric: str
    labels: Sequence[int]
    sentence: str
    entries: Sequence[Entry]
    plan: Mapping[str, Any]
    claims: Sequence[Section] = ()

    def name_of(self, entry: Entry) -> str:
        """An entry in words."""
        return entry.name(len({one.backbone for one in self.entries}) > 1)


def is_study(folder: Path) -> bool:
    """Whether a folder holds a study."""
    return (folder / FILE).is_file()


def read_study(folder: Path) -> StudyFacts:
    """The study of a folder.

    Raises:
        IntegrityError: its file is damaged or of another layout.
    """
    try:
        held = read_table(folder / FILE)
        if held["layout"] != 2:
            raise ValueError("another layout")
        told = held["answers"][0]
        labels = [int(n) for n in told["labels"]]
        entries = [_entry(one, labels) for one in told["entries"]]
        return StudyFacts(
            folder.resolve().name, str(told["metric"]), labels, str(told["sentence"]), entries,
            dict(held["plan"]), claims.sections(held.get("claims", [])),
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise IntegrityError(
            f"{folder / FILE} is damaged or of another layout; the same study command writes it "
            "anew from its cells."
        ) from None


def _entry(told: Mapping[str, Any], labels: Sequence[int]) -> Entry:
    places = [
        Place(n, float(mean), float(low), float(high), [float(s[at]) for s in told["by_seed"]])
        for at, (n, (mean, low, high)) in enumerate(zip(labels, told["scores"], strict=True))
    ]
    saved = [
        Saved(int(one["n_labels"]), *_needed(one), str(one["status"])) for one in told["utility"]
    ]
    arm = told["arm"]
    return Entry(str(arm["method"]), str(arm["backbone"]), str(told["mode"]), places, saved,
                 told["scenario"])  # fmt: skip


def _needed(one: Mapping[str, Any]) -> tuple[float, float | None, float | None]:
    n = int(one["n_labels"])
    value, low, high = (
        None if one[name] is None else n * (1.0 + float(one[name]))
        for name in ("value", "low", "high")
    )
    if value is None or not math.isfinite(value):
        raise ValueError("a utility without a value")
    return value, low, high


def answered(study: StudyFacts) -> Verdict:
    """The answer as the page's verdict: its first clause large."""
    first, _, rest = study.sentence.partition(": ")
    figure, _, after = rest.partition(" (")
    gain = study.entries[0].method != "none"
    if not after:
        return Verdict(first, rest, "", "", gain)
    span, _, lede = after.partition(")")
    return Verdict(f"{first}:", figure, f"({span})", upper(lede.lstrip(".; ")), gain)


def sections(study: StudyFacts) -> list[Section]:
    """The page's sections."""
    found = [_curves(study)]
    if any(entry.saved for entry in study.entries):
        found.append(_saved(study))
    return [*found, _modes(study), *study.claims, _asked(study)]


def _curves(study: StudyFacts) -> Section:
    lines = [
        Line(study.name_of(entry), entry.places, "series", at)
        for at, entry in enumerate(study.entries[:_MOST])
    ]
    drawing = Markup(label_curve(lines, None, "study-curve"))
    figure = Figure(
        f"{upper(study.metric)} against labels",
        drawing,
        protocol=f"{study.metric} on the test images; dots are repetitions, each with a "
        "pretraining, a choice of labels and draws of its own; bands are 95 % over repetitions "
        "and test images",
        table=_scores(study),
        values=readings(lines),
        id="study-curve",
    )
    return Section("labels", "What do labels buy?", "", [figure])


def _scores(study: StudyFacts) -> Table:
    rows = [
        [cut(study.name_of(entry))]
        + [f"{percent(p.mean)} ({between(p.low, p.high)})" for p in entry.places]
        for entry in study.entries
    ]
    return Table(["", *(f"{n:,}" for n in study.labels)], rows)


def _saved(study: StudyFacts) -> Section:
    arms = [
        (study.name_of(entry), entry.saved) for entry in study.entries if entry.method != "none"
    ]
    arms = [(name, saved) for name, saved in arms if saved][:_MOST]
    rows = [[cut(name), *(_words(one) for one in saved)] for name, saved in arms]
    figure = Figure(
        "Labels that training from scratch needs for the same score",
        Markup(utility_chart(arms, "study-utility")),
        sub="On the dotted line nothing is saved; a triangle says that the value lies beyond what "
        "was measured from scratch, a ring that scratch hardly rises there.",
        protocol="scratch's curve is made non-decreasing, read linearly in the logarithm of labels "
        "and never extrapolated; intervals are 95 % over both curves' repetitions and test images",
        table=Table(["", *(f"{n:,}" for n in study.labels)], rows),
    )
    return Section("utility", "How many labels does pretraining save?", "", [figure])


def _words(one: Saved) -> str:
    if one.known == "right_censored":
        return f"more than {one.needed:,.0f}"
    if one.known == "left_censored":
        return f"fewer than {one.needed:,.0f}"
    low = "fewer" if one.low is None else f"{one.low:,.0f}"
    high = "more" if one.high is None else f"{one.high:,.0f}"
    return f"{one.needed:,.0f} ({low} to {high})" + ("; flat" if one.known == "flat" else "")


def _modes(study: StudyFacts) -> Section:
    """Frozen beside fine-tuned, with the most labels and with the fewest."""
    pairs: dict[tuple[str, str], dict[str, Entry]] = {}
    for entry in study.entries:
        pairs.setdefault((entry.method, entry.backbone), {})[entry.mode] = entry
    rows = []
    for (method, backbone), modes in pairs.items():
        cells = [
            percent(modes[mode].places[at].mean) if mode in modes else ""
            for at in (0, -1)
            for mode in ("frozen", "finetune")
        ]
        rows.append([f"{cut(Path(method).name)}, {backbone}", *cells])
    few, many = study.labels[0], study.labels[-1]
    head = ["", f"frozen, {few:,}", f"fine-tuned, {few:,}", f"frozen, {many:,}",
            f"fine-tuned, {many:,}"]  # fmt: skip
    return Section("modes", "Frozen or fine-tuned?", "", [Table(head, rows)])


def _asked(study: StudyFacts) -> Section:
    rows = [[name.replace("_", " "), _plain(value)] for name, value in study.plan.items()]
    return Section("asked", "What was asked", "", [Table(["", "value"], rows, numeric=False)])


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(filter(None, (_plain(one) for one in value.values() if one)))
    if isinstance(value, list):
        return cut(", ".join(_plain(one) for one in value))
    if isinstance(value, str) and "/" in value and "?" not in value:
        return cut(Path(value).name)
    return cut(value) or "none"
