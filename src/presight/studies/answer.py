"""The answer of a study: which pretraining saves how many labels, in a sentence. No torch."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from presight.core.wording import percent
from presight.evaluation.intervals import Interval
from presight.evaluation.labels_saved import Utility, utilities
from presight.evaluation.replicates import Floats, middle, replicates
from presight.evaluation.scenario import Scenario, scenario
from presight.studies.cells import ANCHORS, BLIND, NONE, Arm, Mode, Row
from presight.studies.curves import curves_of

HOW: Mapping[Mode, str] = {"frozen": "frozen", "finetune": "fine-tuned"}


@dataclasses.dataclass(frozen=True)
class Entry:
    """An arm in a mode, against scratch of the same backbone.

    Args:
        arm: which.
        mode: frozen or finetune.
        scores: mean and 95 % interval, by number of labels.
        by_seed: score [S, L], by repetition and number of labels.
        utility: by number of labels; empty for scratch itself.
        scenario: None for scratch itself.
    """

    arm: Arm
    mode: Mode
    scores: Sequence[Interval]
    by_seed: Sequence[Sequence[float]]
    utility: Sequence[Utility]
    scenario: Scenario | None

    @property
    def name(self) -> str:
        """In words."""
        if self.arm.method in ANCHORS:
            return "blind guess" if self.arm.method == BLIND else "raw pixels"
        if self.arm.method == NONE:
            what = "scratch" if self.mode == "finetune" else "untrained"
            return f"{what} on {self.arm.backbone}"
        return f"{self.arm} {HOW[self.mode]}"

    @property
    def anchor(self) -> bool:
        """Whether it is there for proportion only."""
        return self.arm.method in ANCHORS


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a study says of a task on a world's labels.

    Args:
        task: its name.
        measured_on: name of the world; "" in a study of one.
        metric: that it is about.
        labels: numbers of labels.
        seeds: repetitions that are whole.
        entries: the best with the most labels first.
        sentence: the answer.
        maximal: by backbone, what training from scratch with all labels reaches, where that is
            more labels than are compared.
    """

    task: str
    measured_on: str
    metric: str
    labels: Sequence[int]
    seeds: int
    entries: Sequence[Entry]
    sentence: str
    maximal: Mapping[str, float] = dataclasses.field(default_factory=dict)

    @property
    def title(self) -> str:
        """The task, and the world where there are several."""
        return f"{self.task} on {self.measured_on}" if self.measured_on else self.task

    def table(self) -> list[str]:
        """A line an entry: scores in per cent by number of labels."""
        width = max([24, *(len(entry.name) for entry in self.entries)]) + 2
        head = f"{self.metric:<{width}}" + "".join(f"{n:>9,}" for n in self.labels)
        lines = [
            f"{entry.name:<{width}}" + "".join(f"{score.value:>9.1%}" for score in entry.scores)
            for entry in self.entries
        ]
        most = [
            f"maximal supervision of {backbone}, scratch with all labels: {value:.1%}"
            for backbone, value in self.maximal.items()
        ]
        return [head, *lines, *most]

    def record(self) -> dict[str, Any]:
        """Plain JSON; what is beyond measure is None."""
        return {
            "task": self.task,
            "measured_on": self.measured_on,
            "metric": self.metric,
            "labels": list(self.labels),
            "seeds": self.seeds,
            "maximal": dict(self.maximal),
            "sentence": self.sentence,
            "entries": [_plain(dataclasses.asdict(entry)) for entry in self.entries],
        }


def answer(rows: Sequence[Row], metric: str) -> Answer:
    """Compare every arm and mode with scratch of its backbone, and name the best.

    Args:
        rows: of one task on one world's labels.
        metric: a share, higher is better.

    Raises:
        UsageError: there is nothing to compare.
    """
    made = curves_of(rows, metric)
    curves, labels, stacked = made.curves, made.labels, made.parts
    drawn, means = replicates(stacked), stacked.mean((0, 2), dtype=np.float64)
    size = len(labels)
    places = {curve: slice(k * size, (k + 1) * size) for k, curve in enumerate(curves)}
    entries = []
    for arm, mode in curves:
        own = places[(arm, mode)]
        base = _base(arm, curves)
        saved: Sequence[Utility] = ()
        told = None
        if base is not None and base != (arm, mode) and size > 1:
            both = np.r_[places[base], own]
            saved = utilities(means[both], drawn[:, both], labels=labels)
            told = scenario(means[both], drawn[:, both], labels=labels)
        scores = [
            Interval(float(means[k]), *_share(drawn[:, k])) for k in range(own.start, own.stop)
        ]
        values = stacked[:, own].mean(2).tolist()
        entries.append(Entry(arm, mode, scores, values, saved, told))
    entries.sort(key=lambda entry: -entry.scores[-1].value)
    return Answer(
        rows[0].cell.task,
        rows[0].cell.measured_on,
        metric,
        labels,
        len(made.seeds),
        entries,
        _sentence(entries, labels, metric, drawn, places),
        _maximal(rows, metric, labels[-1]),
    )


def _maximal(rows: Sequence[Row], metric: str, most: int) -> dict[str, float]:
    """Mean score of scratch with more labels than all curves have, by backbone."""
    found: dict[str, list[float]] = {}
    for row in rows:
        cell = row.cell
        if cell.arm.method == NONE and cell.mode == "finetune" and cell.n_labels > most:
            found.setdefault(cell.arm.backbone, []).append(row.values[metric])
    return {backbone: float(np.mean(values)) for backbone, values in found.items()}


def _share(drawn: Floats) -> tuple[float, float]:
    low, high = middle(drawn)
    return max(0.0, low), min(1.0, high)


def _base(arm: Arm, curves: Sequence[tuple[Arm, Mode]]) -> tuple[Arm, Mode] | None:
    """Scratch of the same backbone: fine-tuned where it was, else frozen and untrained."""
    for mode in ("finetune", "frozen"):
        found: tuple[Arm, Mode] = (Arm(NONE, arm.backbone), mode)
        if found in curves:
            return found
    return None


def _sentence(
    entries: Sequence[Entry],
    labels: Sequence[int],
    metric: str,
    drawn: Floats,
    places: Mapping[tuple[Arm, Mode], slice],
) -> str:
    """The recommendation at the user's number of labels, which is the largest."""
    best, *others = [entry for entry in entries if not entry.anchor]
    n = labels[-1]
    parts = [f"With {n:,} labels take {best.name}: {metric} {_span(best.scores[-1])}"]
    column = places[(best.arm, best.mode)].stop - 1
    equal = [
        other.name
        for other in others
        if middle(drawn[:, column] - drawn[:, places[(other.arm, other.mode)].stop - 1])[0] <= 0
    ]
    if equal:
        parts.append(f"not to be told apart from {_list(equal)}")
    text = "; ".join(parts) + "."
    if best.scenario is None:
        return f"{text} Pretraining is not worth its time here, as far as this was measured."
    return f"{text} {_saved(best, labels)} {_meeting(best.scenario)}"


def _saved(entry: Entry, labels: Sequence[int]) -> str:
    """Labels saved, at the largest number where that can be measured."""
    for found in reversed(entry.utility):
        if found.status == "ok" and found.low > 0:
            value, low, high = found.equivalent
            upper = f"{high:,.0f}" if math.isfinite(high) else f"more than {labels[-1]:,}"
            return (
                f"{found.n_labels:,} labels do the work of {value:,.0f} (95 % interval "
                f"{low:,.0f} to {upper})."
            )
    above = [one for one in entry.utility if one.status == "right_censored" and one.low > 0]
    if above:
        return f"{above[0].n_labels:,} labels do the work of more than {labels[-1]:,}."
    return "Labels saved cannot be told from none."


def _meeting(found: Scenario) -> str:
    words = {
        "higher ceiling": "The gain is there with all labels (a higher ceiling).",
        "fewer labels": "From {n} labels on no gain is detectable, and training from scratch no "
        "longer rises there (the same ceiling, with fewer labels).",
        "meets early": "From {n} labels on no gain is detectable, though training from scratch "
        "still rises (they meet before the plateau).",
        "no gain": "No gain over training from scratch is detectable.",
    }[found.kind]
    text = words.format(n=f"{found.meeting:,}" if found.meeting else "")
    if found.harmful:
        text += f" With {_list([f'{n:,}' for n in found.harmful])} labels it harms."
    return text


def _span(score: Interval) -> str:
    return f"{percent(score.value)} (95 % interval {percent(score.low)} to {percent(score.high)})"


def _list(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _plain(value: Any) -> Any:
    """JSON has no infinity and no NaN: None stands for both."""
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
