"""A study on one page: the answers side by side, then each of them, then what was asked."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from presight.core.wording import cut
from presight.evaluation.verdict import Verdict
from presight.reporting.blocks import Block, Choice, Download, Section, Table, Words
from presight.reporting.sections import (
    study_answer,
    study_cost,
    study_drawn,
    study_gains,
)
from presight.reporting.sections.study_reading import AnswerFacts, StudyFacts

TABLE, BY_IMAGE = "results.csv", "results-by-image.parquet"
_MOST_TABLE = 1_500_000  # bytes of a table in the page; a larger one stays beside it
_PICTURES = 2_400_000  # bytes of all pictures together, as addresses


@dataclasses.dataclass(frozen=True)
class Part:
    """An answer's own part of the page."""

    name: str
    line: str
    verdict: Verdict
    sections: Sequence[Section]


def parts(study: StudyFacts) -> list[Part]:
    """A part for each answer, where there are several."""
    if len(study.answers) == 1:
        return []
    return [
        Part(one.title, _line(one), one.verdict, _of(study, one, f"r{at}"))
        for at, one in enumerate(study.answers)
    ]


def verdict(study: StudyFacts) -> Verdict:
    """The first answer, which is the study's own; it says of which task where there are several."""
    first = study.answers[0]
    if len(study.answers) == 1:
        return first.verdict
    before = first.verdict.before
    said = f"For {first.title}, {before[:1].lower()}{before[1:]}"
    return dataclasses.replace(first.verdict, before=said)


def sections(study: StudyFacts) -> list[Section]:
    """The page's first part: all of it where there is one answer."""
    answers = study.answers
    found = [_answers(answers)] if len(answers) > 1 else _of(study, answers[0], "all")
    over = [study_gains.section(answers), study_gains.transfer(answers)]
    return [*found, *(one for one in over if one is not None), *study.beside, _asked(study)]


def _of(study: StudyFacts, answer: AnswerFacts, prefix: str) -> list[Section]:
    """An answer's sections; names of its charts begin with the prefix."""
    told = study.held.get("pictures")
    room = _PICTURES // len(study.answers)
    found = study_answer.sections(answer, prefix)
    more = [
        study_cost.section(answer, study.pretraining, prefix),
        study_drawn.section(answer, told, study.folder, room) if isinstance(told, list) else None,
    ]
    return [*found, *(one for one in more if one is not None)]


def _line(answer: AnswerFacts) -> str:
    times = "repetition" if answer.seeds == 1 else "repetitions"
    return f"{cut(answer.metric)}, {answer.labels[0]:,} to {answer.labels[-1]:,} labels, " \
        f"{answer.seeds} {times}"  # fmt: skip


def _answers(answers: Sequence[AnswerFacts]) -> Section:
    """What is said of each task, and the way to its part."""
    rows = [
        (f"r{at}", one.title, f"{one.verdict.before} {one.verdict.figure}", one.verdict.lede)
        for at, one in enumerate(answers)
    ]
    return Section("answers", "All answers", "", [Choice(rows)])


def _asked(study: StudyFacts) -> Section:
    rows = [[name.replace("_", " "), _plain(value)] for name, value in study.plan.items() if value]
    blocks: list[Block] = [Table(["", "value"], rows, numeric=False)]
    return Section(
        "asked",
        "What was asked, and all numbers",
        study_cost.total(study.pretraining, study.measuring),
        [*_downloads(study.folder), *_left_out(study), *blocks],
    )


def _left_out(study: StudyFacts) -> list[Block]:
    """What did not fit into the budget."""
    budget = study.held.get("budget")
    lines = budget.get("left_out") if isinstance(budget, dict) else None
    if not isinstance(lines, list) or not lines:
        return []
    return [Words("; ".join(cut(line, 200) for line in lines) + ".", "Left out of the budget")]


def _downloads(folder: Path) -> list[Block]:
    """The table in the page, and where results by image are."""
    kept = f"and {BY_IMAGE} " if (folder / BY_IMAGE).is_file() else ""
    beside = Words(f"Results by test image are beside the page, in cells/ {kept}of the study.")
    try:
        raw = (folder / TABLE).read_bytes()
    except OSError:
        return []
    if len(raw) > _MOST_TABLE:
        return [Words(f"All cells are in {TABLE} of the study's folder."), beside]
    held = f"data:text/csv;charset=utf-8;base64,{base64.b64encode(raw).decode()}"
    return [Download(TABLE, held, "has a line for each cell and metric."), beside]


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(filter(None, (_plain(one) for one in value.values() if one)))
    if isinstance(value, list):
        return cut(", ".join(_plain(one) for one in value))
    if isinstance(value, str) and "/" in value and "?" not in value:
        return cut(Path(value).name)
    return cut(value) or "none"
