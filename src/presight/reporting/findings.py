"""What the numbers say, in sentences: the verdict, warnings, and the titles of charts."""

from __future__ import annotations

import dataclasses
from typing import Literal

from presight.errors import PresightError
from presight.evaluation.intervals import paired_difference
from presight.evaluation.score import Score, find
from presight.reporting.reading import RunFacts, series
from presight.reporting.wording import between, cut, number, percent, points

Level = Literal["must", "should", "record"]
_NAMES = {"linear": "by a linear probe", "knn": "by nearest neighbors"}
_WIDE = 0.05


@dataclasses.dataclass(frozen=True)
class Warned:
    """Something to know before a number is quoted: what was found, and what to do."""

    level: Level
    text: str
    do: str = ""


@dataclasses.dataclass(frozen=True)
class Verdict:
    """One sentence, its figure, and what stands under it."""

    before: str
    figure: str
    after: str
    lede: str


@dataclasses.dataclass(frozen=True)
class Gap:
    """Accuracy of one row above another on the same images, with its paired interval."""

    other: str
    value: float
    low: float
    high: float

    @property
    def words(self) -> str:
        """The gap as half a sentence."""
        span = f"({points(self.low)} to {points(self.high)})"
        if self.low > 0:
            return f"{points(self.value)} points {span} above {self.other}"
        if self.high < 0:
            return f"{points(self.value)} points {span} against {self.other}, which is better"
        return f"not to be told from {self.other}: {points(self.value)} points {span}"


def headline(scores: list[Score]) -> Score | None:
    """The score that the verdict is about: pretrained features by the linear probe, or by kNN."""
    return find(scores, "pretrained", "linear") or find(scores, "pretrained", "knn")


def gaps(scores: list[Score]) -> list[Gap]:
    """The headline against the other rows by the same protocol, where images can be paired."""
    main = headline(scores)
    if main is None:
        return []
    found = []
    for row, name in (("untrained", "the untrained network"), ("raw pixels", "raw pixels")):
        other = find(scores, row, main.protocol)
        if other is None:
            continue
        try:  # other images, or none by image: nothing to pair
            found.append(Gap(name, *paired_difference(main.correct(), other.correct())))
        except PresightError:
            continue
    return found


def verdict(run: RunFacts) -> Verdict:
    """Whether the pretraining was worth it, as far as it was measured."""
    main = headline(run.scores)
    if main is None:
        return Verdict(
            "Not measured: what these features are worth is",
            "not known",
            "",
            "With labelled images, `presight evaluate RUN --labels LABELLED` measures it.",
        )
    how = _NAMES.get(main.protocol, main.protocol)
    compared = gaps(run.scores)
    lede = " ".join(f"{_upper(gap.words)}." for gap in compared)
    blind = find(run.scores, "blind guess", "majority")
    if blind is not None:
        lede += f" A blind guess reaches {percent(blind.value)}."
    return Verdict(
        f"With {main.n_train:,} labels, frozen features reach",
        percent(main.value),
        f"(95 % interval {between(main.low, main.high)}, {how}, {main.n_test:,} test images)",
        lede.strip(),
    )


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def warned(run: RunFacts) -> list[Warned]:
    """All warnings, the most important first."""
    found = [*_of_state(run), *_of_scores(run)]
    if run.outdated:
        text = "These scores are of earlier weights: the run was trained on since."
        found.append(Warned("must", text, "Give the same evaluate command again."))
    kinds: dict[str, Level] = {"rank": "must", "loss": "must"}
    for event in run.events:
        if isinstance(event.get("text"), str):
            level = kinds.get(str(event.get("kind")), "should")
            found.append(Warned(level, cut(event["text"], 600)))
    if run.skipped:
        text = f"{run.skipped:,} images were left out; skipped.csv says why."
        found.append(Warned("record", text))
    found += [Warned("should", cut(remark, 300), "Restore the file.") for remark in run.remarks]
    order = {"must": 0, "should": 1, "record": 2}
    unique = dict.fromkeys(found)
    return sorted(unique, key=lambda one: order[one.level])


def _of_state(run: RunFacts) -> list[Warned]:
    if run.status == "done":
        return []
    words = {
        "diverged": "Training diverged: the loss was not finite, or the embeddings collapsed.",
        "failed": "Training failed; the log in the run folder says why.",
        "interrupted": "Training was interrupted before its end.",
        "running": "The run was not finished when this report was written.",
    }
    text = words.get(run.status, "The state of the run is not known.")
    level: Level = "must" if run.status in ("diverged", "failed") else "should"
    return [Warned(level, text, "The same command goes on where it stopped.")]


def _of_scores(run: RunFacts) -> list[Warned]:
    scores = run.scores
    if not scores:
        return []
    found = []
    for text in dict.fromkeys(
        str(text) for score in scores for text in _listed(score.details.get("warnings"))
    ):
        found.append(Warned("must", cut(text, 300)))
    for gap in gaps(scores):
        if gap.high < 0:
            text = f"{_upper(gap.other)} do better than the pretrained features."
            if "network" in gap.other:
                text = "The untrained network does better than the pretrained one."
            found.append(Warned("must", text, "Train longer, or try another method."))
        elif gap.low <= 0:
            text = f"The pretrained features cannot be told from {gap.other}."
            found.append(Warned("should", text, "Train longer, or label more test images."))
    for score in scores:
        if score.details.get("converged") is False:
            text = f"The linear probe of {cut(score.row)} did not converge."
            found.append(Warned("should", text, "Its accuracy may be too low."))
    main = headline(scores)
    if main is not None and main.high - main.low > 2 * _WIDE:
        span = between(main.low, main.high)
        text = f"{main.n_test:,} test images are few: the 95 % interval is {span} %."
        found.append(Warned("should", text, "Label more images for the test."))
    text = "Intervals are over test images only; this is one pretraining with one seed."
    return [*found, Warned("record", text, "Other seeds may differ by more.")]


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def change(run: RunFacts, name: str, what: str) -> str:
    """The title of a curve: from where to where it went."""
    _, values = series(run.records, name)
    first, last = values[0], values[-1]
    verb = "rose" if last > first else "fell"
    if abs(last - first) <= 0.01 * max(abs(first), abs(last)):
        return f"{what} stayed at {number(last)}"
    return f"{what} {verb} from {number(first)} to {number(last)}"


def order_of_rows(scores: list[Score]) -> str:
    """The title of the chart of scores."""
    compared = gaps(scores)
    if not compared:
        return "Accuracy of frozen features, beside the rows that were measured"
    return f"Pretrained features: {compared[0].words}"
