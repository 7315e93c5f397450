"""What a study's file says, read for its page."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from presight.core.wording import cut
from presight.errors import IntegrityError, UsageError
from presight.evaluation.verdict import Verdict, upper
from presight.reporting.blocks import Section
from presight.reporting.charts.label_curve import Place
from presight.reporting.charts.utility import Saved
from presight.reporting.sections import claims, label_next, trust
from presight.store.plain import read_table

FILE = "study.json"
HOW = {"frozen": "frozen", "finetune": "fine-tuned"}
_ANCHORS = {"blind": "blind guess", "pixels": "raw pixels"}

Gap = tuple[float, float, float]
"""A difference of scores and its 95 % interval."""


@dataclasses.dataclass(frozen=True, order=True)
class Arm:
    """A way to come to a backbone: what pretrained it, its name, and the world that it saw."""

    method: str
    backbone: str
    images: str = ""

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Arm:
        """The arm of a table."""
        return cls(str(told["method"]), str(told["backbone"]), str(told.get("images", "")))

    @property
    def pretrained(self) -> bool:
        """Whether anything was learned before the labels."""
        return self.method != "none" and self.method not in _ANCHORS

    def name(self, several: bool, seen: bool = False) -> str:
        """In words: with the backbone where there are several, with its images where wanted."""
        method = _ANCHORS.get(self.method, Path(self.method).name)
        if seen and self.images:
            method += f" of {self.images}"
        return cut(", ".join(filter(None, (method, self.backbone if several else ""))))


@dataclasses.dataclass(frozen=True)
class Entry:
    """An arm in a mode, on a task.

    Args:
        arm: which.
        mode: frozen or finetune.
        places: scores by number of labels.
        saved: labels saved; none for scratch and anchors.
        gaps: score less that of scratch, by number of labels; none for scratch and anchors.
        kind: which scenario it is, in words; "" where there is nothing to compare.
    """

    arm: Arm
    mode: str
    places: Sequence[Place]
    saved: Sequence[Saved]
    gaps: Sequence[Gap]
    kind: str

    @property
    def pretrained(self) -> bool:
        """Neither scratch, nor untrained, nor an anchor."""
        return self.arm.pretrained

    @property
    def dash(self) -> int:
        """Number of its lines' dashes: solid where frozen."""
        return 0 if self.mode == "frozen" else 1

    def name(self, several: bool, seen: bool = False) -> str:
        """In words; see `Arm.name`."""
        if self.arm.method in _ANCHORS:
            return self.arm.name(several)
        if self.arm.method == "none":
            what = "scratch" if self.mode == "finetune" else "untrained"
            return ", ".join(filter(None, (what, self.arm.backbone if several else "")))
        return f"{self.arm.name(several, seen)}, {HOW.get(self.mode, self.mode)}"


@dataclasses.dataclass(frozen=True)
class Stages:
    """Frozen scores of an arm's stages, the whole backbone last."""

    arm: Arm
    n_labels: int
    names: Sequence[str]
    scores: Sequence[Gap]


@dataclasses.dataclass(frozen=True)
class AnswerFacts:
    """What a study says of a task on a world's labels.

    Args:
        task: its name.
        measured_on: name of the world; "" in a study of one.
        metric: that scores are of.
        labels: numbers of labels, ascending.
        seeds: repetitions.
        sentence: the answer.
        entries: the best first.
        maximal: what scratch reaches with all labels, by backbone.
        stages: of arms.
        modes: fine-tuned less frozen by number of labels, of arms.
    """

    task: str
    measured_on: str
    metric: str
    labels: Sequence[int]
    seeds: int
    sentence: str
    entries: Sequence[Entry]
    maximal: Mapping[str, float]
    stages: Sequence[Stages]
    modes: Sequence[tuple[Arm, Sequence[Gap]]]

    @property
    def title(self) -> str:
        """The task, and the world where there are several."""
        return cut(f"{self.task} on {self.measured_on}" if self.measured_on else self.task)

    @property
    def several(self) -> bool:
        """Whether there is more than one backbone."""
        return len({one.arm.backbone for one in self.entries if one.arm.backbone}) > 1

    @property
    def seen(self) -> bool:
        """Whether names of arms say which world they saw."""
        return len({one.arm.images for one in self.entries if one.arm.images}) > 1

    @property
    def arms(self) -> list[Arm]:
        """The pretrained ones; their places are the numbers of their colors."""
        return sorted({one.arm for one in self.entries if one.pretrained})

    def name_of(self, one: Entry | Arm) -> str:
        """An entry or an arm in words."""
        return one.name(self.several, self.seen)

    def said(self, one: Entry) -> str:
        """A pretrained entry inside a sentence."""
        return f"{HOW.get(one.mode, one.mode)} {self.name_of(one.arm)}"

    @property
    def best(self) -> Entry | None:
        """The pretrained one with the best score with the most labels."""
        return next((one for one in self.entries if one.pretrained), None)

    @property
    def verdict(self) -> Verdict:
        """The answer, its first clause large."""
        first, _, rest = self.sentence.partition(": ")
        figure, _, after = rest.partition(" (")
        gain = self.entries[0].pretrained
        if not after:
            return Verdict(first, rest, "", "", gain)
        span, _, lede = after.partition(")")
        return Verdict(f"{first}:", figure, f"({span})", upper(lede.lstrip(".; ")), gain)


@dataclasses.dataclass(frozen=True)
class StudyFacts:
    """What a study's file says.

    Args:
        folder: of the study.
        plan: what was asked.
        answers: by world and task; one or more.
        pretraining: seconds of each repetition, by arm.
        measuring: seconds of all cells together.
        beside: sections on what else it holds: claims, figures to trust, labels to give next.
        held: the whole file.
    """

    folder: Path
    plan: Mapping[str, Any]
    answers: Sequence[AnswerFacts]
    pretraining: Mapping[Arm, Sequence[float]]
    measuring: float
    beside: Sequence[Section]
    held: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Of the folder."""
        return self.folder.resolve().name


def is_study(folder: Path) -> bool:
    """Whether a folder holds a study."""
    return (folder / FILE).is_file()


def read_study(folder: Path) -> StudyFacts:
    """The study of a folder.

    Raises:
        IntegrityError: its file is damaged or of another layout. UsageError: nothing is whole yet.
    """
    try:
        held = read_table(folder / FILE)
        if held["layout"] != 2:
            raise ValueError("another layout")
        answers = [_answer(one) for one in held["answers"]]
        cost = held.get("cost") or {}
        pretraining = {
            Arm.of(one["arm"]): [float(s) for s in one["seconds"]]
            for one in cost.get("pretraining", [])
        }
        facts = StudyFacts(
            folder, dict(held["plan"]), answers, pretraining, float(cost.get("measuring", 0.0)),
            _beside(held), held,
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError):
        raise IntegrityError(
            f"{folder / FILE} is damaged, of another layout, or without a whole repetition yet; "
            "the same study command goes on, and writes it anew from its cells."
        ) from None
    if not answers:
        raise UsageError(f"{folder} has no answer yet; the same study command goes on with it.")
    return facts


def _beside(held: Mapping[str, Any]) -> list[Section]:
    return [*claims.sections(held.get("claims", [])), *trust.sections(held.get("diagnostics")),
            *label_next.sections(held.get("selection"))]  # fmt: skip


def _answer(told: Mapping[str, Any]) -> AnswerFacts:
    labels = [int(n) for n in told["labels"]]
    entries = [_entry(one, labels) for one in told["entries"]]
    if not entries or not labels:
        raise ValueError("an answer without entries")
    return AnswerFacts(
        str(told["task"]),
        str(told.get("measured_on", "")),
        str(told["metric"]),
        labels,
        int(told.get("seeds", len(entries[0].places[0].values))),
        str(told["sentence"]),
        entries,
        {str(name): float(value) for name, value in told.get("maximal", {}).items()},
        [_stages(one) for one in told.get("stages", [])],
        [(Arm.of(one["arm"]), _gaps(one["gaps"])) for one in told.get("modes", [])
         if [int(n) for n in one["labels"]] == labels],
    )  # fmt: skip


def _entry(told: Mapping[str, Any], labels: Sequence[int]) -> Entry:
    places = [
        Place(n, float(mean), float(low), float(high), [float(s[at]) for s in told["by_seed"]])
        for at, (n, (mean, low, high)) in enumerate(zip(labels, told["scores"], strict=True))
    ]
    saved = [
        Saved(int(one["n_labels"]), *_needed(one), str(one["status"])) for one in told["utility"]
    ]
    scenario = told["scenario"] or {}
    return Entry(Arm.of(told["arm"]), str(told["mode"]), places, saved,
                 _gaps(scenario.get("gaps", [])), str(scenario.get("kind", "")))  # fmt: skip


def _gaps(told: Sequence[Sequence[float]]) -> list[Gap]:
    return [(float(value), float(low), float(high)) for value, low, high in told]


def _stages(told: Mapping[str, Any]) -> Stages:
    names = [str(stage) if stage else "whole" for stage in told["stages"]]
    scores = _gaps(told["scores"])
    if len(names) != len(scores):
        raise ValueError("stages without scores")
    return Stages(Arm.of(told["arm"]), int(told["n_labels"]), names, scores)


def _needed(one: Mapping[str, Any]) -> tuple[float, float | None, float | None]:
    n = int(one["n_labels"])
    value, low, high = (
        None if one[name] is None else n * (1.0 + float(one[name]))
        for name in ("value", "low", "high")
    )
    if value is None or not math.isfinite(value):
        raise ValueError("a utility without a value")
    return value, low, high
