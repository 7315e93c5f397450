"""What the numbers say, in sentences: the verdict, warnings, and the titles of charts."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from presight.core.wording import FIXED_SPACE, MINUS, between, percent, points
from presight.evaluation.curve import Point, blind_guess, gap, places
from presight.evaluation.score import Score

_NAMES = {"linear": "by a linear probe", "knn": "by nearest neighbors"}


@dataclasses.dataclass(frozen=True)
class Verdict:
    """One sentence, its figure, what stands under it, and whether pretraining was worth it."""

    before: str
    figure: str
    after: str
    lede: str
    above_untrained: bool = False

    @property
    def sentence(self) -> str:
        """All of it in plain characters, for a terminal."""
        parts = (self.before, self.figure, self.after)
        text = " ".join(filter(None, parts)) + ". " + self.lede
        return text.replace(FIXED_SPACE, " ").replace(MINUS, "-").strip()


@dataclasses.dataclass(frozen=True)
class Gap:
    """Accuracy of the pretrained row above another on the same images, and how to say it."""

    other: str
    value: float
    low: float
    high: float

    @property
    def words(self) -> str:
        """The gap as half a sentence."""
        if self.low > 0 or self.high < 0:
            where, sign = ("above", 1) if self.low > 0 else ("below", -1)
            low, high = sorted((sign * self.low, sign * self.high))
            span = f"95 % interval {between(low, high)}"
            return f"{100 * sign * self.value:.1f} points ({span}) {where} {self.other}"
        span = f"(95 % interval {points(self.low)} to {points(self.high)})"
        return f"not to be told from {self.other}: {points(self.value)} points {span}"


_OTHERS = (("untrained", "the untrained network"), ("raw pixels", "raw pixels"))


def protocol_of_headline(scores: Sequence[Score]) -> str:
    """Linear probe, or kNN where there is no probe; empty where the row is not there."""
    for protocol in ("linear", "knn"):
        if places(scores, "pretrained", protocol):
            return protocol
    return ""


def gaps(scores: Sequence[Score], n: int) -> list[Gap]:
    """Pretrained features against the other rows with `n` labels, where images can be paired."""
    protocol = protocol_of_headline(scores)
    found = ((name, gap(scores, protocol, n, "pretrained", row)) for row, name in _OTHERS)
    return [Gap(name, *one) for name, one in found if one is not None]


def above_untrained(scores: Sequence[Score], n: int) -> bool:
    """Whether pretrained is above untrained with `n` labels, all of its 95 % interval."""
    return any(one.other == _OTHERS[0][1] and one.low > 0 for one in gaps(scores, n))


def headline(scores: Sequence[Score]) -> Point | None:
    """The point that the verdict is about.

    The most labels at which pretrained and untrained can be told apart in favor of the first; where
    there is no such number, the most labels of all.
    """
    found = places(scores, "pretrained", protocol_of_headline(scores))
    for point in found[::-1]:
        if above_untrained(scores, point.n_labels):
            return point
    return found[-1] if found else None


def verdict(scores: Sequence[Score]) -> Verdict:
    """Whether the pretraining was worth it, as far as it was measured.

    Args:
        scores: of one evaluation; none where nothing was measured.
    """
    main = headline(scores)
    if main is None:
        return Verdict(
            "Not measured: what these features are worth is",
            "not known",
            "",
            "With labelled images, `presight evaluate RUN --labels LABELLED` measures it.",
        )
    how = _NAMES[protocol_of_headline(scores)]
    compared = [one.words for one in gaps(scores, main.n_labels)]
    lede = f"That is {', and '.join(compared)}." if compared else ""
    lede += _by_neighbors(scores, main.n_labels)
    blind = blind_guess(scores)
    if blind is not None:
        lede += f" A blind guess reaches {percent(blind)}."
    seeds = f", {len(main.values)} label seeds" if len(main.values) > 1 else ""
    return Verdict(
        f"With {main.n_labels:,} labels, frozen features reach",
        percent(main.mean),
        f"(95 % interval {between(main.low, main.high)}, {how}{seeds}, "
        f"{scores[0].n_test:,} test images)",
        lede.strip(),
        above_untrained(scores, main.n_labels),
    )


def usefulness(scores: Sequence[Score]) -> str:
    """Whether it is useful, over all numbers of labels."""
    counts = [p.n_labels for p in places(scores, "pretrained", protocol_of_headline(scores))]
    against = [(n, found[0]) for n in counts if (found := gaps(scores, n))]
    better = [n for n, one in against if one.low > 0]
    worse = [n for n, one in against if one.high < 0]
    if not against:
        return "Cannot tell: there is no untrained network beside it to compare with."
    if len(better) == len(against):
        return f"Yes: better than the untrained network with {_counts(better)} labels."
    if len(worse) == len(against):
        return f"No: the untrained network is better with {_counts(worse)} labels."
    if not better and not worse:
        return "Cannot tell: the pretrained and the untrained network reach about the same."
    told = [f"{word} with {_counts(found)} labels" for word, found in
            (("better", better), ("worse", worse)) if found]  # fmt: skip
    return f"It depends: {' and '.join(told)} than the untrained network; else cannot tell."


def _counts(found: Sequence[int]) -> str:
    return " and ".join(filter(None, (", ".join(f"{n:,}" for n in found[:-1]), f"{found[-1]:,}")))


def curve_title(scores: Sequence[Score]) -> str:
    """The title of the label curve: its finding, with its interval."""
    main = headline(scores)
    found = gaps(scores, main.n_labels) if main else []
    if main is None or not found:
        return "Accuracy of frozen features, beside the rows that were measured"
    return f"With {main.n_labels:,} labels pretrained features are {found[0].words}"


def _by_neighbors(scores: Sequence[Score], n: int) -> str:
    """What kNN says of the first comparison, where the verdict is by another protocol."""
    if protocol_of_headline(scores) == "knn":
        return ""
    row, name = _OTHERS[0]
    found = gap(scores, "knn", n, "pretrained", row)
    if found is None:
        return ""
    return f" By nearest neighbors it is {Gap(name, found.value, found.low, found.high).words}."


def upper(text: str) -> str:
    """The text with a capital at its beginning."""
    return text[:1].upper() + text[1:]
