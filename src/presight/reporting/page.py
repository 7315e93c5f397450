"""write_report(): one HTML file about a run or several, read from their files; no torch."""

from __future__ import annotations

import base64
import dataclasses
import functools
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from presight.core.wording import cut, day, duration, visible
from presight.errors import PresightError, UsageError
from presight.evaluation import verdict as findings
from presight.reporting import cautions
from presight.reporting.blocks import Section, Sheets
from presight.reporting.pictures import embedded
from presight.reporting.reading import RunFacts, is_finite, nothing_read, read_run, table_of
from presight.reporting.sections import (
    comparison,
    done,
    learned,
    study,
    study_reading,
    table1,
    tasks,
    training,
    useful,
    views,
)
from presight.store import atomic
from presight.store.environment import version_of

_HERE = Path(__file__).parent
_LEVELS = {"must": "Must know", "should": "Should know", "record": "For the record"}

MOST_BYTES = 5_000_000
"""A page stays below this: thumbnails go first, then all pictures."""

_PICTURES = 2_000_000  # bytes of a run's views and the like, where it is alone
_POINTS = 400


@dataclasses.dataclass(frozen=True)
class RunPage:
    """What the template shows of a run."""

    number: int
    name: str
    line: str
    verdict: findings.Verdict
    warnings: Sequence[tuple[str, cautions.Warned]]
    sections: Sequence[Section]
    opened: bool = False


def write_report(runs: Sequence[str | os.PathLike[str]], out: str | os.PathLike[str]) -> Path:
    """Write a page that needs no other file and no network; its script is not needed either.

    Args:
        runs: run folders, one or more. Of several, those that hold no run are named and left out.
        out: the page; it is written whole or not at all.

    Returns:
        The page's path.

    Raises:
        UsageError: no run was named.
        RunError: no folder holds a run, or the page cannot be written.
    """
    if not runs:
        raise UsageError("a report needs one run folder or more; none was given.")
    paths, out = [Path(run) for run in runs], Path(out)
    if any(map(study_reading.is_study, paths)) or any(map(table1.is_table, paths)):
        return _written(out, _study(paths))
    facts = _read(paths)
    text = ""
    for detail in (0, 1, 2):
        text = _render(facts, detail)
        if len(text.encode()) <= MOST_BYTES:
            break
    return _written(out, text)


def _written(out: Path, text: str) -> Path:
    atomic.make_folder(out.resolve().parent)
    atomic.write_text(out, text)
    return out


def _study(paths: Sequence[Path]) -> str:
    """The page of a study, or of a table."""
    if len(paths) > 1:
        raise UsageError("a study has a page of its own; name it alone: presight report STUDY.")
    if table1.is_table(paths[0]):
        table = table1.read_table1(paths[0])
        beside = comparison.Comparison(table1.answered(table), [], table1.sections(table))
        return _filled(table.name, [], [], beside, "on a table")
    facts = study_reading.read_study(paths[0])
    told = comparison.Comparison(study.verdict(facts), [], study.sections(facts))
    pages = [
        RunPage(at, part.name, part.line, part.verdict, [], part.sections, opened=at == 0)
        for at, part in enumerate(study.parts(facts))
    ]
    return _filled(facts.name, pages, [], told, "on a study", "Each task")


def _read(paths: Sequence[Path]) -> list[RunFacts]:
    found: list[RunFacts] = []
    errors: list[PresightError] = []
    for path in paths:
        try:
            found.append(read_run(path))
        except PresightError as error:
            errors.append(error)
            found.append(nothing_read(path, str(error)))
    if len(errors) == len(paths):
        raise errors[0]
    return found


def _render(facts: Sequence[RunFacts], detail: int) -> str:
    """The page; `detail` 0 has all pictures, 1 fewer thumbnails, 2 no pictures."""
    most = max(60, _POINTS // len(facts))
    made = [_page(at, run, detail, len(facts), most) for at, run in enumerate(facts)]
    leading = comparison.leader(facts)
    pages = [dataclasses.replace(page, opened=facts[page.number] is leading) for page, _ in made]
    together = comparison.compare(facts, most) if len(facts) > 1 else None
    title = ", ".join(page.name for page in pages)
    sheets = [sheet for _, sheet in made if sheet]
    return _filled(title, pages, sheets, together, f"on {len(pages)} runs" if together else "")


def _filled(
    title: str,
    pages: Sequence[RunPage],
    sheets: Sequence[Sheets],
    together: comparison.Comparison | None,
    subject: str,
    each: str = "Each run",
) -> str:
    """The template with all that it shows."""
    script = (_HERE / "script.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return _environment().get_template("page.html").render(
        title=title[:200],
        subject=subject,
        style=Markup((_HERE / "style.css").read_text(encoding="utf-8")),
        script=Markup(script),
        script_hash=f"sha256-{digest}",
        sheets=sheets,
        pages=pages,
        comparison=together,
        each=each,
        version=version_of("presight") or "",
    )  # fmt: skip


def _coded(text: str) -> Markup:
    """Words between backticks as code; everything escaped."""
    parts = visible(text).split("`")
    marks = ("{}", "<code>{}</code>") * len(parts)
    return Markup("").join(
        Markup(mark).format(part) for mark, part in zip(marks, parts, strict=False)
    )


def _counted(things: int) -> str:
    words = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten")
    return f"{words[things] if things < len(words) else things} thing{'' if things == 1 else 's'}"


@functools.cache
def _environment() -> Environment:
    """One for all pages: a template is compiled once."""
    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: visible(value) if type(value) is str else value,
    )
    made.filters.update(coded=_coded, counted=_counted)
    return made


def _page(
    at: int, run: RunFacts, detail: int, runs: int, most: int
) -> tuple[RunPage, Sheets | None]:
    remarks: list[str] = []
    room = _PICTURES // runs if detail < 2 else 0
    pictures = embedded(run.pictures, remarks, room)
    run = dataclasses.replace(run, remarks=[*run.remarks, *remarks])
    prefix = f"r{at}"
    learnt, sheets = learned.section(run, prefix, detail)
    sections = [
        useful.section(run, prefix),
        tasks.section(run),
        learnt,
        training.section(run, prefix, most),
        views.section(pictures),
        done.section(run),
    ]
    page = RunPage(
        number=at,
        name=cut(run.name),
        line=_line(run),
        verdict=findings.verdict(run.scores),
        warnings=[(_LEVELS[one.level], one) for one in cautions.warned(run)],
        sections=[section for section in sections if section is not None],
    )
    return page, sheets


def _line(run: RunFacts) -> str:
    """Method, backbone, images, time: what the run was, in one line."""
    spec = table_of(run.data.get("spec"))
    told = [run.config.get("method.name"), run.config.get("run.backbone")]
    if isinstance(spec.get("n_samples"), int):
        told.append(f"{spec['n_samples']:,} images")
    if isinstance(spec.get("image_size"), int):
        told.append(f"{spec['image_size']} px")
    seconds = run.info.get("seconds")
    if is_finite(seconds):
        told.append(duration(float(seconds)))
    told += [run.status, day(run.info.get("created") or "")]
    return " \N{MIDDLE DOT} ".join(cut(word) for word in told if word)
