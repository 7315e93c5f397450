"""What a run folder says, read for the report: damaged or missing files become remarks."""

from __future__ import annotations

import csv
import dataclasses
import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from presight.core import yamlfile
from presight.errors import PresightError, RunError
from presight.evaluation.score import Score, read_result, weights_of
from presight.store import records
from presight.store.folder import RunFolder

T = TypeVar("T")
_MOST_BYTES = 8 << 20
_MOST_RECORDS = 2_000_000


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """A `result.json`: its folder's name, its scores and what they have in common."""

    name: str
    scores: list[Score]
    protocol: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class RunFacts:
    """The files of a run, as far as they can be read.

    Args:
        name: of the folder.
        info: run.json.
        config: option, with its section's path, -> value.
        origins: option's name -> default, auto, user or preset.
        environment: environment.json.
        data: data.json.
        records: of metrics.jsonl.
        events: of events.jsonl.
        evaluations: sound ones, the newest last.
        pictures: files of the first batch's views.
        skipped: images that were left out.
        weights: which ones the run holds now, as evaluations name theirs.
        remarks: files that could not be read.
    """

    name: str
    info: Mapping[str, Any]
    config: Mapping[str, Any]
    origins: Mapping[str, Any]
    environment: Mapping[str, Any]
    data: Mapping[str, Any]
    records: list[dict[str, Any]]
    events: list[dict[str, Any]]
    evaluations: list[Evaluation]
    pictures: list[Path]
    skipped: int
    weights: str
    remarks: list[str]

    @property
    def status(self) -> str:
        """Of the run, or unknown."""
        return str(self.info.get("status", "unknown"))

    @property
    def scores(self) -> list[Score]:
        """Of the newest evaluation."""
        return self.evaluations[-1].scores if self.evaluations else []

    @property
    def outdated(self) -> bool:
        """Whether these scores are of other weights than the run holds now."""
        protocol = self.evaluations[-1].protocol if self.evaluations else {}
        return bool(protocol.get("weights", self.weights) != self.weights)


def read_run(path: Path) -> RunFacts:
    """Read a run folder.

    Raises:
        RunError: there is no run at all.
    """
    folder = RunFolder(path)
    if not folder.exists:
        raise RunError(f"{path} holds no run; the folder that `pretrain --out` wrote was expected.")
    remarks: list[str] = []

    def tried(file: Path, read: Callable[[Path], T], otherwise: T) -> T:
        if not file.exists():
            return otherwise
        try:
            return read(file)
        except (PresightError, OSError, ValueError, RecursionError) as error:
            remarks.append(f"{file.name} cannot be read: {error}")
            return otherwise

    empty: dict[str, Any] = {}
    data = tried(folder.data, _table, empty)
    origins = data.get("origins")
    return RunFacts(
        name=folder.path.resolve().name,
        info=tried(folder.run_file, _table, empty),
        config=tried(folder.config, lambda file: _flat(yamlfile.read(file)), empty),
        origins=origins if isinstance(origins, dict) else {},
        environment=tried(folder.environment, _table, empty),
        data=data,
        records=tried(folder.metrics, _records, []),
        events=tried(folder.events, _records, []),
        evaluations=_evaluations(folder, tried),
        pictures=sorted((folder.path / "pictures").glob("*.png")),
        skipped=tried(folder.skipped, _lines, 0),
        weights=tried(folder.path, lambda _: weights_of(folder), ""),
        remarks=remarks,
    )


def _table(path: Path) -> dict[str, Any]:
    if path.stat().st_size > _MOST_BYTES:
        raise ValueError(f"it is larger than {_MOST_BYTES >> 20} MB")
    held = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(held, dict):
        raise ValueError("it holds no table")
    return held


def _records(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for record in records.read(path):
        found.append(record)
        if len(found) > _MOST_RECORDS:
            raise ValueError(f"it holds more than {_MOST_RECORDS:,} records")
    return found


def _lines(path: Path) -> int:
    """Rows below the head of a table."""
    with open(path, newline="", encoding="utf-8", errors="replace") as file:
        return max(0, sum(1 for _ in csv.reader(file)) - 1)


def _flat(held: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in held.items():
        if isinstance(value, dict) and value:
            flat.update(_flat(value, f"{before}{name}."))
        else:
            flat[f"{before}{name}"] = value
    return flat


def _evaluations(
    folder: RunFolder, tried: Callable[..., tuple[list[Score], dict[str, Any]]]
) -> list[Evaluation]:
    """By the time of the file, then by name; those without scores are left out."""
    files = sorted(
        folder.evaluations.glob("*/result.json"), key=lambda file: (file.stat().st_mtime_ns, file)
    )
    read = [(file.parent.name, *tried(file, read_result, ([], {}))) for file in files]
    return [Evaluation(name, scores, protocol) for name, scores, protocol in read if scores]


def series(found: list[dict[str, Any]], name: str) -> tuple[list[float], list[float]]:
    """Epochs (or steps, where no epoch was written) and values of a number, finite ones only."""
    at, values = [], []
    for record in found:
        x, y = record.get("epoch", record.get("step")), record.get(name)
        if _finite(x) and _finite(y):
            at.append(float(x))  # type: ignore[arg-type]
            values.append(float(y))  # type: ignore[arg-type]
    return at, values


def _finite(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
