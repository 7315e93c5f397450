"""write_report(): one HTML file about a run or several, read from their files; no torch."""

from __future__ import annotations

import dataclasses
import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from presight.errors import UsageError
from presight.evaluation.score import Score, find
from presight.evaluation.table import protocols
from presight.reporting import findings
from presight.reporting.figures import Chart, curve_chart, scores_chart
from presight.reporting.pictures import embedded
from presight.reporting.reading import RunFacts, read_run, series
from presight.reporting.wording import between, cut, duration, number, percent, visible
from presight.store import atomic
from presight.store.environment import version_of

_HERE = Path(__file__).parent
_CURVES = (
    ("loss", "Loss"),
    ("rank", "Effective rank"),
    ("images_per_second", "Images a second"),
)
_LEVELS = {"must": "Must know", "should": "Should know", "record": "For the record"}
_PROTOCOLS = {"knn": "kNN", "linear": "Linear probe", "majority": "Majority"}
_ROWS = 20


@dataclasses.dataclass(frozen=True)
class Table:
    """A table; cells are plain text."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    numeric: bool = True


@dataclasses.dataclass(frozen=True)
class Figure:
    """A chart, its finding, its protocol and the numbers behind it."""

    title: str
    wide: Markup
    narrow: Markup
    protocol: str
    table: Table


@dataclasses.dataclass(frozen=True)
class RunPage:
    """What the template shows of a run."""

    number: int
    name: str
    line: str
    verdict: findings.Verdict
    warnings: list[tuple[str, findings.Warned]]
    scores: Figure | None
    curves: list[Figure]
    pictures: list[tuple[str, str]]
    command: str
    tables: list[tuple[str, Table]]
    summary: Sequence[str]


def write_report(runs: Sequence[str | os.PathLike[str]], out: str | os.PathLike[str]) -> Path:
    """Write a page that needs no other file, no network and no script.

    Args:
        runs: run folders, one or more.
        out: the page; it is written whole or not at all.

    Returns:
        The page's path.

    Raises:
        UsageError: no run was named.
        RunError: a folder holds no run, or the page cannot be written.
    """
    if not runs:
        raise UsageError("a report needs one run folder or more; none was given.")
    facts = [read_run(Path(run)) for run in runs]
    pages = [_page(at, run) for at, run in enumerate(facts)]
    head = ("run", "method", "status", *_HEADLINE)
    text = _environment().get_template("page.html").render(
        title=", ".join(page.name for page in pages),
        style=Markup((_HERE / "style.css").read_text(encoding="utf-8")),
        pages=pages,
        comparison=Table(head, [page.summary for page in pages], numeric=False)
        if len(pages) > 1
        else None,
        levels=_LEVELS,
        version=version_of("presight") or "",
    )  # fmt: skip
    out = Path(out)
    atomic.make_folder(out.resolve().parent)
    atomic.write_text(out, text)
    return out


def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: visible(value) if type(value) is str else value,
    )


_HEADLINE = ("linear probe", "kNN", "against untrained")


def _page(at: int, run: RunFacts) -> RunPage:
    remarks: list[str] = []
    pictures = embedded(run.pictures, remarks)
    run = dataclasses.replace(run, remarks=[*run.remarks, *remarks])
    command = run.info.get("command")
    words = [str(word) for word in command] if isinstance(command, list) else []
    return RunPage(
        number=at,
        name=cut(run.name),
        line=_line(run),
        verdict=findings.verdict(run),
        warnings=[(_LEVELS[one.level], one) for one in findings.warned(run)],
        scores=_scores(run.scores, f"s{at}") if run.scores else None,
        curves=_curves(run, at),
        pictures=pictures,
        command=shlex.join(words),
        tables=_tables(run),
        summary=_summary(run),
    )


def _line(run: RunFacts) -> str:
    """Method, backbone, images, time: what the run was, in one line."""
    spec = _dict(run.data.get("spec"))
    told = [run.config.get("method.name"), run.config.get("run.backbone")]
    if isinstance(spec.get("n_samples"), int):
        told.append(f"{spec['n_samples']:,} images")
    if isinstance(spec.get("image_size"), int):
        told.append(f"{spec['image_size']} px")
    if isinstance(run.info.get("seconds"), int | float):
        told.append(duration(float(run.info["seconds"])))
    told += [run.status, run.info.get("created")]
    return " \N{MIDDLE DOT} ".join(cut(word) for word in told if word)


def _dict(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _summary(run: RunFacts) -> Sequence[str]:
    """A line of the comparison."""
    gap = findings.gaps(run.scores)
    cells = [find(run.scores, "pretrained", name) for name in ("linear", "knn")]
    return (
        cut(run.name),
        cut(run.config.get("method.name", "")),
        run.status,
        *(_cell(score) for score in cells),
        gap[0].words if gap else "not measured",
    )


def _cell(score: Score | None) -> str:
    if score is None:
        return "not measured"
    return f"{percent(score.value)} ({between(score.low, score.high)})"


def _scores(scores: list[Score], name: str) -> Figure:
    columns = protocols(scores) or ["majority"]
    rows = []
    for row in dict.fromkeys(score.row for score in scores):
        found = [find(scores, row, p) or find(scores, row, "majority") for p in columns]
        rows.append((cut(row), *(_cell(score) for score in found)))
    first = scores[0]
    split = first.details.get("split", "given")
    protocol = (
        f"Top-1 accuracy on {first.n_test:,} test images ({cut(split)}); frozen features of the "
        f"image's center; learned from {first.n_train:,} labelled images; seed {first.seed}; "
        "whiskers are 95 % Wilson intervals over test images; the strength of the linear probe "
        "is chosen on a tenth of train."
    )
    head = ("row", *(_PROTOCOLS.get(p, cut(p)) for p in columns))
    chart = scores_chart(scores, name)
    return _figure(findings.order_of_rows(scores), chart, protocol, Table(head, rows))


def _figure(title: str, chart: Chart, protocol: str, table: Table) -> Figure:
    return Figure(title, Markup(chart.wide), Markup(chart.narrow), protocol, table)


def _curves(run: RunFacts, at: int) -> list[Figure]:
    found = []
    for name, what in _CURVES:
        epochs, values = series(run.records, name)
        if len(values) < 2:
            continue
        bound = series(run.records, "dim")[1][-1:] if name == "rank" else []
        chart = curve_chart(epochs, values, f"c{at}{name}", what, bound[0] if bound else None)
        title = findings.change(run, name, what)
        if bound:
            title += f", of {number(bound[0])} dimensions"
        step = max(1, -(-len(values) // _ROWS))
        rows = [(f"{epochs[i]:.2f}", number(values[i])) for i in range(0, len(values), step)]
        protocol = f"{len(values):,} records of the training's log; {_MEANINGS[name]}"
        found.append(_figure(title, chart, protocol, Table(("epoch", what), rows)))
    return found


_MEANINGS = {
    "loss": "the method's own loss, not to be compared between methods.",
    "rank": "directions that a batch's embedding uses; high values alone are no merit.",
    "images_per_second": "images through one update, waits for data included.",
}


def _tables(run: RunFacts) -> list[tuple[str, Table]]:
    """Configuration, what differs from the defaults first; data; environment."""
    named = [
        (name, _value(value), cut(run.origins.get(_option(name), "")))
        for name, value in run.config.items()
    ]
    named.sort(key=lambda row: row[2] in ("", "default"))
    spec = {f"spec.{key}": value for key, value in _dict(run.data.get("spec")).items()}
    data = {k: v for k, v in run.data.items() if k in ("source", "fingerprint")} | spec
    return [
        (title, table)
        for title, table in (
            ("Configuration", Table(("option", "value", "origin"), named, numeric=False)),
            ("Data", _pairs(data)),
            ("Environment", _pairs(run.environment)),
        )
        if table.rows
    ]


def _option(path: str) -> str:
    """The option that a path of config.yaml belongs to: out for run.out, views for its fields."""
    section, _, rest = path.partition(".")
    return "method" if path == "method.name" else rest.partition(".")[0] or section


def _pairs(held: Mapping[str, Any]) -> Table:
    rows: list[tuple[str, str]] = []
    for key, value in held.items():
        if isinstance(value, dict):
            rows += [(cut(f"{key}.{inner}"), _value(one)) for inner, one in value.items()]
        else:
            rows.append((cut(key), _value(value)))
    return Table(("name", "value"), rows, numeric=False)


def _value(value: object) -> str:
    if isinstance(value, list):
        return cut(", ".join(str(item) for item in value), 200)
    return cut(value, 200)
