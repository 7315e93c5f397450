"""Figures of a task with their intervals: what an evaluation of it measured. No torch."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from presight.core.wording import number
from presight.errors import DataError, IntegrityError
from presight.evaluation.intervals import Z95, Interval
from presight.store import atomic

FILE = "task.json"
LAYOUT = 1
PRETRAINED = "pretrained"
_SHARE = "%"
_FIELDS = {"row": str, "metric": str, "unit": str, "higher_is_better": bool, "value": float,
           "low": float, "high": float, "n_train": int, "above": dict}  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """A figure on the test images.

    Args:
        row: whose: pretrained, untrained, from scratch, blind guess.
        metric: its name.
        unit: % where it is a share in [0, 1], or its unit.
        higher_is_better: else a lower one is.
        value: the figure.
        low: end of its 95 % interval over test images.
        high: its other end.
        n_train: labelled images that were learned from.
        above: other rows, each with how much the value is above theirs and the ends of that, paired
            on the same test images.
    """

    row: str
    metric: str
    unit: str
    higher_is_better: bool
    value: float
    low: float
    high: float
    n_train: int
    above: Mapping[str, Sequence[float]] = dataclasses.field(default_factory=dict)

    def words(self) -> str:
        """Value and interval: `41.2  (39.0 to 43.5)`."""
        return f"{self.said(self.value)}  ({self.said(self.low)} to {self.said(self.high)})"

    def said(self, value: float) -> str:
        """A value in the unit, which is left out."""
        return f"{100 * value:.1f}" if self.unit == _SHARE else number(float(f"{value:.3g}"))


def interval(influence: NDArray[np.float64], *, share: bool = False) -> Interval:
    """The mean of influences by image and its 95 % interval over images, by their spread.

    Args:
        influence: [n].
        share: the ends stay in [0, 1].

    Raises:
        DataError: the test images do not determine the figure.
    """
    values = influence.astype(np.float64)
    mean = float(values.mean()) if len(values) else math.nan
    if not math.isfinite(mean):
        raise DataError("the test images show nothing that the figure counts; take more of them.")
    deviation = float(values.std(ddof=1)) if len(values) > 1 else 0.0
    half = Z95 * deviation / math.sqrt(len(values))
    low, high = mean - half, mean + half
    return Interval(mean, max(0.0, low), min(1.0, high)) if share else Interval(mean, low, high)


def write_outcomes(folder: Path, found: Sequence[Outcome], protocol: Mapping[str, Any]) -> Path:
    """Write `task.json` into an evaluation's folder, whole or not at all.

    Args:
        folder: eval/ID of a run.
        found: what was measured; the first metric is the task's own.
        protocol: what all have in common, plain JSON.
    """
    atomic.make_folder(folder)
    path = folder / FILE
    listed = [dataclasses.asdict(one) for one in found]
    atomic.write_json(path, {"layout": LAYOUT, "outcomes": listed, "protocol": dict(protocol)})
    return path


def read_outcomes(path: Path) -> tuple[list[Outcome], dict[str, Any]]:
    """Outcomes and protocol of a `task.json`.

    Raises:
        IntegrityError: it cannot be read, or is of another layout.
    """
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        if held["layout"] != LAYOUT or not isinstance(held["protocol"], dict):
            raise ValueError("layout")
        return [_outcome(one) for one in held["outcomes"]], held["protocol"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise IntegrityError(f"{path} cannot be read; evaluate again to write it anew.") from None


def _outcome(told: Mapping[str, Any]) -> Outcome:
    for name, kind in _FIELDS.items():
        value = told[name]
        if kind is float and type(value) is int:
            continue
        if type(value) is not kind or (isinstance(value, float) and not math.isfinite(value)):
            raise ValueError(name)
    for three in told["above"].values():
        if len(three) != 3 or not all(
            isinstance(x, int | float) and math.isfinite(x) for x in three
        ):
            raise ValueError("above")
    return Outcome(**told)


def sentence(found: Sequence[Outcome], mode: str) -> str:
    """What the headline figure says, with the most labels: the pretrained row, and its gain.

    Args:
        found: of one evaluation; the first metric is the headline.
        mode: frozen or finetune.
    """
    metric = found[0].metric
    shown = [one for one in found if one.metric == metric and one.row == PRETRAINED]
    best = max(shown, key=lambda one: one.n_train)
    what = "a head on the frozen network" if mode == "frozen" else "the fine-tuned network"
    unit = " %" if best.unit == _SHARE else f" {best.unit}"
    text = f"With {best.n_train:,} labels {what} reaches {best.said(best.value)}{unit} {metric}"
    other = next(iter(best.above), None)
    if other is None:
        return f"{text}."
    value, low, high = best.above[other]
    span = f"({best.said(low)} to {best.said(high)})"
    points = " points" if best.unit == _SHARE else f" {best.unit}"
    if low <= 0 <= high:
        return f"{text}: not to be told from {_named(other)}, {best.said(value)}{points} {span}."
    side = "above" if value > 0 else "below"
    low, high = sorted((abs(low), abs(high)))
    span = f"({best.said(low)} to {best.said(high)})"
    return f"{text}, {best.said(abs(value))}{points} {side} {_named(other)} {span}."


def _named(row: str) -> str:
    return "the same network from scratch" if row == "from scratch" else f"the {row} network"


def outcome_table(found: Sequence[Outcome]) -> list[str]:
    """A line for each metric with the most labels, and for the first one with fewer; aligned."""
    most = max(one.n_train for one in found)
    rows = list(dict.fromkeys(one.row for one in found))
    held = {(one.metric, one.n_train, one.row): one for one in found}
    kinds = {one.metric: one.unit for one in found}
    counts = sorted({one.n_train for one in found})
    lines = [["", "labels", *rows]]
    for place, (metric, unit) in enumerate(kinds.items()):
        for n in counts if place == 0 else (most,):
            cells = [held.get((metric, n, row)) for row in rows]
            words = ("not measured" if one is None else one.words() for one in cells)
            lines.append([f"{metric}, {unit}", f"{n:,}", *words])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = ["   ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip()
            for line in lines]  # fmt: skip
    return [text[0], "-" * max(map(len, text)), *text[1:]]
