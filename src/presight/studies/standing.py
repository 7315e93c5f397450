"""How measured backbones stand beside the survey's figures: lines, a table, a file. No torch."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from presight.core import registry
from presight.core.wording import between
from presight.evaluation.intervals import Interval, over_seeds
from presight.store import atomic
from presight.studies.cells import IMAGENET, NONE, Row
from presight.studies.published import ROWS, Published, Setting, differs
from presight.studies.rows import unpacked

LAYOUT = 1
METRIC = "accuracy"
NOT_HERE = "not here yet"
NOT_ASKED = "not asked for"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Line:
    """A row of the table.

    Args:
        title: of the method.
        method: as it was asked for: a name, none, or the path of a run.
        published: the survey's row; None of a method that the survey's table does not have.
        status: "measured", or why not.
        score: mean over seeds and its 95 % interval over seeds and images.
        by_seed: shares.
        backbone: its name.
        epochs: of pretraining.
        batch_size: of pretraining.
        crops: of pretraining.
        apart: what keeps score and published figure from comparison; empty where nothing does.
    """

    title: str
    method: str
    published: Published | None = None
    status: str = "measured"
    score: Interval | None = None
    by_seed: tuple[float, ...] = ()
    backbone: str = ""
    epochs: float | None = None
    batch_size: int | None = None
    crops: str = ""
    apart: tuple[str, ...] = ()

    @property
    def difference(self) -> float | None:
        """Measured less published, a share; None where one of them is missing."""
        if self.score is None or self.published is None or self.published.value is None:
            return None
        return self.score.value - self.published.value

    def record(self) -> dict[str, Any]:
        """Plain JSON."""
        told = {**dataclasses.asdict(self), "difference": self.difference}
        told["score"] = None if self.score is None else list(self.score)
        return told


@dataclasses.dataclass(frozen=True)
class Table1:
    """The table.

    Args:
        folder: of its files.
        rows: of the survey, then what it does not have.
        setting: data, backbone and recipe of all that was measured.
        blind: accuracy of the commonest class.
        sentence: the best, and how it stands.
        plan: what was asked, plain JSON.
    """

    folder: Path
    rows: Sequence[Line]
    setting: Setting
    blind: float
    sentence: str
    plan: Mapping[str, Any]

    @property
    def summary(self) -> dict[str, Any]:
        """The answer and where the table is."""
        measured = {line.method: line.score.value for line in self.rows if line.score is not None}
        return {"folder": str(self.folder), "answer": self.sentence, "measured": measured}

    def lines(self) -> list[str]:
        """The table in per cent, the answer, and what keeps figures from comparison."""
        cells = [_HEAD, *(_cells(line) for line in self.rows)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        text = ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in cells]
        found = [line.rstrip() for line in text]
        common = self.setting.differs()
        if common:
            found.append(f"not comparable with any published figure: {'; '.join(common)}")
        for line in self.rows:
            own = [reason for reason in line.apart if reason not in common]
            if own:
                found.append(f"{line.title}, not comparable: {'; '.join(own)}")
        found.append(f"blind guess {100 * self.blind:.1f}")
        return [*found, self.sentence, f"table     {self.folder}/table1.csv"]

    def write(self) -> None:
        """Write table1.csv, and table1.json for the report."""
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(map(_record, self.rows))
        atomic.write_text(self.folder / "table1.csv", text.getvalue())
        told = {
            "layout": LAYOUT,
            "plan": dict(self.plan),
            "setting": {**dataclasses.asdict(self.setting), "apart": self.setting.differs()},
            "blind": self.blind,
            "sentence": self.sentence,
            "rows": [line.record() for line in self.rows],
        }
        atomic.write_json(self.folder / "table1.json", told)


_HEAD = ("frozen, linear, %", "published", "epochs", "crops", "here", "epochs", "crops", "differs")
COLUMNS = (
    "title", "method", "status", "survey", "published", "published_epochs", "published_batch_size",
    "published_crops", "source", "note", "measured", "low", "high", "seeds", "backbone", "epochs",
    "batch_size", "crops", "difference", "comparable",
)  # fmt: skip


def _cells(line: Line) -> tuple[str, ...]:
    """A line of the table as text."""
    theirs: tuple[str, ...] = ("", "", "")
    if line.published is not None:
        known = line.published.value
        theirs = (
            "not verified" if known is None else f"{100 * known:.1f}",
            str(line.published.epochs or "?"),
            line.published.crops or "?",
        )
    if line.score is None:
        return (line.title, *theirs, line.status, "", "", "")
    here = f"{100 * line.score.value:.1f} ({between(line.score.low, line.score.high)})"
    epochs = "" if line.epochs is None else f"{line.epochs:.4g}"
    gap = "" if line.difference is None else f"{100 * line.difference:+.1f}"
    return (line.title, *theirs, here, epochs, line.crops, gap)


def _record(line: Line) -> dict[str, Any]:
    """A line of the CSV; what is not known stays empty."""
    told: dict[str, Any] = {
        name: getattr(line, name)
        for name in ("title", "method", "status", "backbone", "epochs", "batch_size", "crops",
                     "difference")
    }  # fmt: skip
    if line.published is not None:
        known = line.published
        told |= {
            "survey": known.survey,
            "published": known.value,
            "published_epochs": known.epochs,
            "published_batch_size": known.batch_size,
            "published_crops": known.crops,
            "source": known.source,
            "note": known.note,
        }
    if line.score is not None:
        told |= dict(zip(("measured", "low", "high"), line.score, strict=True))
        told["seeds"] = len(line.by_seed)
        if line.published is not None:
            told["comparable"] = f"not comparable: {'; '.join(line.apart)}" if line.apart else "yes"
    return told


def standing(
    folder: Path,
    rows: Sequence[Row],
    failed: Mapping[str, str],
    setting: Setting,
    blind: float,
    plan: Mapping[str, Any],
) -> Table1:
    """The table of rows.

    Args:
        folder: of its files.
        rows: all that were measured.
        failed: methods that have none, and why.
        setting: data, backbone and recipe.
        blind: accuracy of the commonest class.
        plan: what was asked, plain JSON.
    """
    by_method: dict[str, list[Row]] = {}
    for row in rows:
        by_method.setdefault(row.cell.arm.method, []).append(row)
    lines = {method: _line(method, found, setting) for method, found in by_method.items()}
    known = registry.entries()
    order: list[Line] = []
    for published in ROWS:
        own = [one for one in lines.values() if one.published is published]
        status = failed.get(published.method, NOT_ASKED)
        if published.method not in (IMAGENET, *known):
            status = NOT_HERE
        order += own or [
            Line(title=published.title, method=published.method, published=published, status=status)
        ]
    order += [one for one in lines.values() if one.published is None]
    listed = {published.method for published in ROWS}
    order += [
        Line(title=Path(name).name, method=name, status=why)
        for name, why in failed.items()
        if name not in listed
    ]
    return Table1(folder, order, setting, blind, _sentence(lines, by_method), plan)


def _line(method: str, rows: Sequence[Row], setting: Setting) -> Line:
    """The line of a method's rows."""
    told, arm = rows[0].details, rows[0].cell.arm
    name = told.get("pretrained", method)
    published = next((row for row in ROWS if row.method == name), None)
    if method == NONE:
        title = "untrained"
    elif published is not None:
        title = published.title if name == method else f"{published.title}, {Path(method).name}"
    else:
        known = registry.entries()
        title = known[name].title if name in known else Path(method).name
    epochs, batch, crops = told.get("epochs"), told.get("batch_size"), told.get("crops", "")
    apart: list[str] = []
    if published is not None:
        own = dataclasses.replace(setting, backbone=arm.backbone)
        apart = [*own.differs(), *differs(published, epochs, batch, crops)]
        if told.get("images", setting.fingerprint) != setting.fingerprint:
            apart.append("pretrained on other images than it learned from")
    return Line(
        title=title,
        method=method,
        published=published,
        score=_score(over_seeds(_right(rows))),
        by_seed=tuple(row.values[METRIC] for row in rows),
        backbone=arm.backbone,
        epochs=epochs,
        batch_size=batch,
        crops=crops,
        apart=tuple(apart),
    )


def _right(rows: Sequence[Row]) -> NDArray[np.int8]:
    """Whether each answer was right, [S, n], by seed and test image."""
    return np.stack([unpacked(row.influences[METRIC], row.n_test) for row in rows]).astype(np.int8)


def _score(found: Interval) -> Interval:
    return Interval(found.value, max(0.0, found.low), min(1.0, found.high))


def _sentence(lines: Mapping[str, Line], rows: Mapping[str, Sequence[Row]]) -> str:
    """The best that was pretrained without labels, and its gain over the untrained network."""
    scores = {
        method: line.score
        for method, line in lines.items()
        if method not in (NONE, IMAGENET) and line.score is not None
    }
    if not scores:
        return "No pretrained backbone was measured."
    best = max(scores, key=lambda method: scores[method].value)
    line, score = lines[best], scores[best]
    text = (
        f"Best of {len(scores)} frozen: {line.title} on {line.backbone}: "
        f"{100 * score.value:.1f} % (95 % interval {between(score.low, score.high)})"
    )
    if NONE in rows:
        seeds = min(len(rows[best]), len(rows[NONE]))
        gap = over_seeds(_right(rows[best][:seeds]) - _right(rows[NONE][:seeds]))
        text += (
            f"; {100 * gap.value:+.1f} points over the untrained network "
            f"({100 * gap.low:+.1f} to {100 * gap.high:+.1f})"
        )
    return f"{text}."
