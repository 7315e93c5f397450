"""The survey's table on one page: measured beside published, what sets them apart, the sources."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from presight.core.wording import between, cut, number, percent, points
from presight.errors import IntegrityError
from presight.evaluation.verdict import Verdict, upper
from presight.reporting.blocks import Block, Figure, Section, Table
from presight.reporting.charts.scores import Dot, dots
from presight.store.plain import read_table

FILE = "table1.json"
_UNKNOWN = "not verified"


@dataclasses.dataclass(frozen=True)
class Line:
    """A row of the table, as its file tells it.

    Args:
        title: of the method.
        published: title, survey, value, epochs, batch_size, crops, source, note; or None.
        status: measured, or why not.
        score: share, low and high; None where it was not measured.
        seeds: repetitions.
        here: epochs, batch_size and crops of the pretraining that was measured.
        difference: measured less published; None where one is missing.
        apart: what keeps both from comparison.
    """

    title: str
    published: Mapping[str, Any] | None
    status: str
    score: tuple[float, float, float] | None
    seeds: int
    here: Mapping[str, Any]
    difference: float | None
    apart: Sequence[str]


@dataclasses.dataclass(frozen=True)
class TableFacts:
    """What a table's file says.

    Args:
        name: of the folder.
        lines: of the survey, then others.
        common: what sets all measured figures apart from all published ones.
        setting: images, classes, backbone, side, probe_epochs.
        blind: accuracy of the commonest class.
        sentence: the best, and how it stands.
        plan: what was asked.
    """

    name: str
    lines: Sequence[Line]
    common: Sequence[str]
    setting: Mapping[str, Any]
    blind: float
    sentence: str
    plan: Mapping[str, Any]

    @property
    def measured(self) -> list[Line]:
        """Lines with a score."""
        return [line for line in self.lines if line.score is not None]


def is_table(folder: Path) -> bool:
    """Whether a folder holds a table."""
    return (folder / FILE).is_file()


def read_table1(folder: Path) -> TableFacts:
    """The table of a folder.

    Raises:
        IntegrityError: its file is damaged or of another layout.
    """
    try:
        held = read_table(folder / FILE)
        if held["layout"] != 1:
            raise ValueError("another layout")
        setting = dict(held["setting"])
        common = [str(reason) for reason in setting["apart"]]
        return TableFacts(
            folder.resolve().name, [_line(one) for one in held["rows"]], common, setting,
            float(held["blind"]), str(held["sentence"]), dict(held["plan"]),
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise IntegrityError(
            f"{folder / FILE} is damaged or of another layout; the same command writes it anew "
            "from its rows."
        ) from None


def _line(told: Mapping[str, Any]) -> Line:
    published, score = told["published"], None
    if told["score"] is not None:
        value, low, high = (float(number) for number in told["score"])
        score = (value, low, high)
    if published is not None:
        published = dict(published)
        float(published["survey"])
        published = {**dict.fromkeys(_THEIRS), **published}
    gap = None if told["difference"] is None else float(told["difference"])
    return Line(
        str(told["title"]), published, str(told["status"]), score, len(told["by_seed"]),
        {name: told[name] for name in ("epochs", "batch_size", "crops")}, gap,
        [str(reason) for reason in told["apart"]],
    )  # fmt: skip


_THEIRS = ("survey", "value", "epochs", "batch_size", "crops", "source", "note")


def answered(table: TableFacts) -> Verdict:
    """The sentence as the page's verdict: the best score large."""
    head, found, rest = table.sentence.partition(" % (")
    if not found:
        return Verdict(table.sentence, "", "", "")
    before, _, figure = head.rpartition(": ")
    span, _, lede = rest.partition(")")
    scores = {line.title: line.score for line in table.measured if line.score}
    untrained = scores.get("untrained", (0.0, 0.0, 0.0))
    above = any(low > untrained[0] for title, (_, low, _) in scores.items() if title != "untrained")
    share = percent(float(figure) / 100)
    return Verdict(f"{before}:", share, f"({span})", upper(lede.lstrip("; ")), above)


def sections(table: TableFacts) -> list[Section]:
    """The page's sections."""
    found = [_beside(table), _apart(table), _sources(table), _asked(table)]
    return [section for section in found if section is not None]


def _beside(table: TableFacts) -> Section:
    head = ["frozen, linear", "published", "reached with", "measured", "reached with", "difference"]
    rows = [_cells(line) for line in table.lines]
    blocks: list[Block] = [Table(head, rows, numeric=False)]
    if table.measured:
        blocks.append(_dots(table))
    told = "No published figure compares with these: " if table.common else ""
    finding = f"{told}{'; '.join(table.common)}." if told else ""
    return Section("beside", "How does it stand beside the survey's table?", finding, blocks)


def _cells(line: Line) -> list[str]:
    theirs = ["", ""]
    if line.published is not None:
        value = line.published["value"]
        theirs = [_UNKNOWN, ""] if value is None else [percent(float(value)), _with(line.published)]
    if line.score is None:
        return [cut(line.title), *theirs, cut(line.status), "", ""]
    value, low, high = line.score
    here = "" if line.here["epochs"] is None else _with(line.here)
    gap = "" if line.difference is None else points(line.difference)
    return [cut(line.title), *theirs, f"{percent(value)} ({between(low, high)})", here, gap]


def _with(told: Mapping[str, Any]) -> str:
    """Epochs, batch and crops of a pretraining, as far as they are known."""
    epochs, batch = (
        number(float(told[name])) if told[name] else "" for name in ("epochs", "batch_size")
    )
    known = (epochs and f"{epochs} epochs", batch and f"batch {batch}", cut(told["crops"] or ""))
    return ", ".join(filter(None, known)) or f"epochs and crops {_UNKNOWN}"


def _dots(table: TableFacts) -> Figure:
    """Scores; published figures beside them only where both compare."""
    shown: list[Dot] = []
    for line in table.measured:
        if line.score is None:
            continue
        shown.append(Dot(line.title, 0, *line.score))
        value = line.published["value"] if line.published else None
        if value is not None and not line.apart:
            shown.append(Dot(line.title, 1, float(value), float(value), float(value)))
    kinds = ["measured"] + ["published"] * any(dot.kind for dot in shown)
    seeds = max(line.seeds for line in table.measured)
    setting = table.setting
    return Figure(
        "Accuracy of a linear classifier of frozen features",
        Markup(dots(shown, kinds, table.blind, "table1-scores")),
        protocol=f"{setting['images']:,} images of {setting['classes']:,} classes, "
        f"{cut(setting['backbone'])}, {setting['side']} px; {setting['probe_epochs']} epochs from "
        "random crops and flips, the setting chosen on a tenth of train, its last epoch; "
        + (f"{seeds} seeds; 95 % over seeds and" if seeds > 1 else "one seed; 95 % over")
        + " test images",
    )


def _apart(table: TableFacts) -> Section | None:
    rows = []
    for line in table.measured:
        if line.published is None:
            continue
        own = [reason for reason in line.apart if reason not in table.common]
        rows.append([cut(line.title), "; ".join(own) or "nothing of its own"])
    if not rows:
        return None
    beyond = "beyond what sets all apart" if table.common else "sets it apart"
    block = Table(["", beyond], rows, numeric=False)
    return Section("apart", "What keeps a figure from comparison?", "", [block])


def _sources(table: TableFacts) -> Section:
    rows = []
    for line in table.lines:
        if line.published is not None:
            told = line.published
            said = [cut(told[name], 200) for name in ("source", "note") if told[name]]
            rows.append([cut(told["title"]), percent(float(told["survey"])), "; ".join(said)])
    unique = [row for at, row in enumerate(rows) if row not in rows[:at]]
    head = ["", "the survey prints", "source of the figure above"]
    return Section("sources", "Where do the figures come from?", "",
                   [Table(head, unique, numeric=False)])  # fmt: skip


def _asked(table: TableFacts) -> Section:
    rows = [[name.replace("_", " "), _plain(value)] for name, value in table.plan.items()]
    return Section("asked", "What was asked", "", [Table(["", "value"], rows, numeric=False)])


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return cut(", ".join(Path(str(one)).name for one in value), 200)
    return cut(Path(value).name if isinstance(value, str) else value)
