"""What a study's pretraining cost, against the labels that it saved."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

from markupsafe import Markup

from presight.core.wording import cut, duration
from presight.reporting.blocks import Figure, Section, Table
from presight.reporting.charts.cost import Worth, cost_chart
from presight.reporting.charts.utility import Saved
from presight.reporting.sections.study_answer import MOST, saved_words
from presight.reporting.sections.study_reading import AnswerFacts, Arm, Entry

Seconds = Mapping[Arm, Sequence[float]]


def section(answer: AnswerFacts, pretraining: Seconds, prefix: str) -> Section | None:
    """Cost against benefit of one answer; None where no time is known.

    Args:
        answer: of the study.
        pretraining: seconds of each repetition, by arm.
        prefix: of names in the page.
    """
    found = [one for one in answer.entries if one.saved and pretraining.get(one.arm)][:MOST]
    if not found:
        return None
    n = _shown(found)
    worths = []
    for one in found:
        saved = next(saved for saved in one.saved if saved.n_labels == n)
        low, high = (None if end is None else end / n for end in (saved.low, saved.high))
        worths.append(
            Worth(answer.name_of(one), _mean(pretraining[one.arm]), saved.needed / n, low, high,
                  saved.known, answer.arms.index(one.arm), one.mode == "finetune")
        )  # fmt: skip
    figure = Figure(
        f"Labels replaced with {n:,} labels, against the time of pretraining",
        Markup(cost_chart(worths, f"{prefix}-cost")),
        sub="Filled marks are frozen, open ones fine-tuned; on the line nothing is saved; a "
        "triangle says that the value lies beyond what was measured from scratch.",
        protocol="time of one pretraining on this machine, mean over repetitions; bars are 95 % "
        "over repetitions and test images",
        table=_table(answer, found, pretraining),
        name="cost and labels saved",
    )
    return Section("cost", "What does it cost?", _finding(answer, found, pretraining), [figure])


def total(pretraining: Seconds, measuring: float) -> str:
    """What a study cost in all, in words; "" where it is not known."""
    if not measuring:
        return ""
    spent = sum(sum(seconds) for seconds in pretraining.values())
    return f"Pretraining took {duration(spent)} in all, measuring {duration(measuring)}."


def _mean(seconds: Sequence[float]) -> float:
    return statistics.fmean(seconds)


def _shown(found: Sequence[Entry]) -> int:
    """The number of labels at which most of them are known; of equal ones the most labels."""
    known: dict[int, int] = {}
    for one in found:
        for saved in one.saved:
            known[saved.n_labels] = known.get(saved.n_labels, 0) + (saved.known == "ok")
    return max(known, key=lambda n: (known[n], n))


def _table(answer: AnswerFacts, found: Sequence[Entry], pretraining: Seconds) -> Table:
    """Labels saved at every number of labels, beside the time."""
    rows = [
        [answer.name_of(one), duration(_mean(pretraining[one.arm])),
         *(_less(saved) for saved in one.saved)]
        for one in found
    ]  # fmt: skip
    head = ["", "pretraining", *(f"saved with {saved.n_labels:,}" for saved in found[0].saved)]
    return Table([cut(name) for name in head], rows)


def _less(saved: Saved) -> str:
    """Labels saved: those that scratch needs, less those used."""
    if saved.known in ("left_censored", "right_censored"):
        word = "more" if saved.known == "right_censored" else "fewer"
        return f"{word} than {saved.needed - saved.n_labels:,.0f}".replace("-", "\N{MINUS SIGN}")
    n = saved.n_labels
    low = "less" if saved.low is None else f"{saved.low - n:,.0f}"
    high = "more" if saved.high is None else f"{saved.high - n:,.0f}"
    told = f"{saved.needed - n:,.0f} ({low} to {high})".replace("-", "\N{MINUS SIGN}")
    return told + ("; flat" if saved.known == "flat" else "")


def _finding(answer: AnswerFacts, found: Sequence[Entry], pretraining: Seconds) -> str:
    """The surest saving of the cheapest that has one."""
    sure = [
        (_mean(pretraining[one.arm]), one, saved)
        for one in found
        for saved in one.saved[::-1]
        if saved.known == "ok" and saved.low is not None and saved.low > saved.n_labels
    ]
    if not sure:
        return "No labels are surely saved, whatever was spent."
    seconds, one, saved = min(sure, key=lambda each: each[0])
    return (f"{duration(seconds)} of pretraining let {saved.n_labels:,} labels of "
            f"{answer.said(one)} do the work of {saved_words(saved)}.")  # fmt: skip
