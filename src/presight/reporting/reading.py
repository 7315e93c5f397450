"""What a run folder says, read for the report: damaged or missing files become remarks."""

from __future__ import annotations

import csv
import dataclasses
import math
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeGuard, TypeVar

from presight.core import yamlfile
from presight.errors import PresightError, RunError
from presight.evaluation.embedding import files
from presight.evaluation.outcomes import Outcome, read_outcomes
from presight.evaluation.score import Score, read_result, weights_of
from presight.store import integrity, records
from presight.store.folder import RunFolder
from presight.store.plain import read_table

T = TypeVar("T")
_MOST_RECORDS = 2_000_000
_DAMAGE = (
    PresightError,
    OSError,
    ValueError,
    RecursionError,
    zipfile.BadZipFile,
    EOFError,
    KeyError,
)


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """A `result.json`: its folder, its scores and what they have in common."""

    folder: Path
    scores: list[Score]
    protocol: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class TaskFacts:
    """A `task.json`: its folder, its figures and what they have in common."""

    folder: Path
    outcomes: list[Outcome]
    protocol: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class RunFacts:
    """The files of a run, as far as they can be read.

    Args:
        name: of the folder.
        info: run.json.
        config: option, with its section's path, -> value.
        origins: option's name -> default, auto, user or preset.
        defaults: option, a recipe's fields with its path, -> default; empty where none is stored.
        environment: environment.json.
        data: data.json.
        records: of metrics.jsonl.
        events: of events.jsonl.
        evaluations: sound ones, the newest last.
        embedding: of the newest evaluation, or what `embed` wrote last.
        pictures: files of views and of what the method makes.
        checksums: file -> SHA-256, as the run's manifest says.
        skipped: images that were left out.
        weights: which ones the run holds now, as evaluations name theirs.
        remarks: files that could not be read.
        tasks: what was measured on tasks, the newest last.
    """

    name: str
    info: Mapping[str, Any]
    config: Mapping[str, Any]
    origins: Mapping[str, Any]
    defaults: Mapping[str, Any]
    environment: Mapping[str, Any]
    data: Mapping[str, Any]
    records: list[dict[str, Any]]
    events: list[dict[str, Any]]
    evaluations: list[Evaluation]
    embedding: files.EmbeddingFacts | None
    pictures: list[Path]
    checksums: Mapping[str, str]
    skipped: int
    weights: str
    remarks: list[str]
    tasks: list[TaskFacts] = dataclasses.field(default_factory=list)

    @property
    def status(self) -> str:
        """Of the run, or unknown."""
        return str(self.info.get("status", "unknown"))

    @property
    def scores(self) -> list[Score]:
        """Of the newest evaluation."""
        return self.evaluations[-1].scores if self.evaluations else []

    @property
    def protocol(self) -> Mapping[str, Any]:
        """Of the newest evaluation."""
        return self.evaluations[-1].protocol if self.evaluations else {}

    @property
    def outdated(self) -> bool:
        """Whether these scores are of other weights than the run holds now."""
        return bool(self.protocol.get("weights", self.weights) != self.weights)


def read_run(path: Path) -> RunFacts:
    """Read a run folder.

    Raises:
        RunError: there is no run at all.
    """
    folder = RunFolder(path)
    if not folder.exists:
        raise RunError(f"{path} holds no run; the folder that `pretrain --out` wrote was expected.")
    remarks: list[str] = []
    tried = _Tried(remarks)
    empty: dict[str, Any] = {}
    data = tried(folder.data, read_table, empty)
    evaluations = _evaluations(folder, tried)
    return RunFacts(
        name=folder.path.resolve().name,
        info=tried(folder.run_file, read_table, empty),
        config=tried(folder.config, lambda file: _flat(yamlfile.read(file)), empty),
        origins=table_of(data.get("origins")),
        defaults=_flat(table_of(data.get("defaults"))),
        environment=tried(folder.environment, read_table, empty),
        data=data,
        records=tried(folder.metrics, _records, []),
        events=tried(folder.events, _records, []),
        evaluations=evaluations,
        embedding=_embedding(folder, evaluations, tried),
        pictures=sorted((folder.path / "pictures").glob("*.png")),
        checksums=tried(folder.manifest, _checksums, {}),
        skipped=tried(folder.skipped, _lines, 0),
        weights=tried(folder.path, lambda _: weights_of(folder), ""),
        remarks=remarks,
        tasks=_tasks(folder, tried),
    )


def nothing_read(path: Path, why: str) -> RunFacts:
    """A folder of several that cannot be shown; its row says why."""
    return RunFacts(path.resolve().name, {"status": "unreadable"}, {}, {}, {}, {}, {}, [], [], [],
                    None, [], {}, 0, "", [why])  # fmt: skip


class _Tried:
    """Reads a file, or notes why not and gives something else; a missing file is no remark."""

    def __init__(self, remarks: list[str]) -> None:
        self.remarks = remarks

    def __call__(self, file: Path, read: Callable[[Path], T], otherwise: T) -> T:
        if not file.exists():
            return otherwise
        try:
            return read(file)
        except _DAMAGE as error:
            what = str(error) or type(error).__name__
            self.remarks.append(f"{file.name} cannot be read: {what}")
            return otherwise


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


def _checksums(path: Path) -> dict[str, str]:
    return {name: found.sha256 for name, found in integrity.read_manifest(path.parent).items()}


def _evaluations(folder: RunFolder, tried: _Tried) -> list[Evaluation]:
    """By the time of the file, then by name; those without labels come before all with scores."""
    files = sorted(
        folder.evaluations.glob("*/result.json"), key=lambda file: (file.stat().st_mtime_ns, file)
    )
    none: tuple[list[Score], dict[str, Any]] = ([], {})
    read = [(file.parent, *tried(file, read_result, none)) for file in files]
    read.sort(key=lambda one: bool(one[1]))
    return [
        Evaluation(place, scores, protocol)
        for place, scores, protocol in read
        if scores or protocol.get("diagnostics")
    ]


def _tasks(folder: RunFolder, tried: _Tried) -> list[TaskFacts]:
    files = sorted(
        folder.evaluations.glob("*/task.json"), key=lambda file: (file.stat().st_mtime_ns, file)
    )
    none: tuple[list[Outcome], dict[str, Any]] = ([], {})
    read = [TaskFacts(file.parent, *tried(file, read_outcomes, none)) for file in files]
    return [one for one in read if one.outcomes]


def _embedding(
    folder: RunFolder, evaluations: list[Evaluation], tried: _Tried
) -> files.EmbeddingFacts | None:
    """Of the newest evaluation that has one, else the newest that `embed` wrote."""
    asked = [one.folder / "embedding" for one in reversed(evaluations)]
    made = [file.parent for file in folder.path.glob(f"embed/*/{files.INFO}")]
    asked += sorted(made, key=lambda place: place.stat().st_mtime_ns, reverse=True)
    for place in asked:
        if (place / files.INFO).is_file():
            found = tried(place, files.read, None)
            if found is not None:
                return found
    return None


def series(found: list[dict[str, Any]], name: str) -> tuple[list[float], list[float]]:
    """Epochs (or steps, where no epoch was written) and values of a number, finite ones only."""
    at, values = [], []
    for record in found:
        x, y = record.get("epoch", record.get("step")), record.get(name)
        if is_finite(x) and is_finite(y):
            at.append(float(x))
            values.append(float(y))
    return at, values


def is_finite(value: object) -> TypeGuard[float]:
    """Whether a value of a JSON file is a number that a float can hold."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # JSON's integers have no end
        return False


def table_of(value: object) -> Mapping[str, Any]:
    """The value, where it is a table; else an empty one."""
    return value if isinstance(value, dict) else {}
