"""What is wrong with a run folder: every file against its manifest, and what a kill left behind."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

from presight.errors import IntegrityError, RunError
from presight.store import atomic, records
from presight.store.folder import RunFolder
from presight.store.header import check_header
from presight.store.integrity import MANIFEST, Finding, Kind, extras, read_manifest, seal, verify
from presight.store.lock import GUARD, HEARTBEAT, LOCK, holder

FINAL = (
    "config.yaml",
    "plugin.py",
    "environment.json",
    "data.json",
    "skipped.csv",
    "metrics.jsonl",
    "backbone.safetensors",
    "README.md",
)
"""Files that no longer change once a run is done."""

_KNOWN = (
    *FINAL,
    "run.json",
    "events.jsonl",
    "logs",
    "checkpoints",
    "eval",
    "embed",
    "figures",
    "pictures",
    "export",
    "debug",
    "report.html",
    "tensorboard",
    "wandb",
    "mlflow",
    LOCK,
    HEARTBEAT,
    GUARD,
)


def seal_run(run: RunFolder) -> None:
    """Write the manifest of the final files; `RunFolder.update("running")` takes it away."""
    seal(run.path, FINAL)


def inspect_run(path: str | os.PathLike[str]) -> list[Finding]:
    """Everything that is wrong with a run folder, and what is odd but harmless.

    It reads only, and takes no lock.

    Raises:
        RunError: the folder holds no run, or one of a newer layout.
    """
    run = RunFolder(path)
    if not run.path.is_dir():
        raise RunError(f"{run} holds no run: there is no such folder.")
    found = [*_run_file(run), *_lock_state(run), *extras(run.path, _KNOWN), *_final(run)]
    for file in (run.metrics, run.events):
        found += _lines(file)
    found += _checkpoints(run.checkpoints)
    for folder in _folders(run.evaluations):
        found += [one.under(f"eval/{folder.name}") for one in _evaluation(folder)]
    return found


def _read(path: Path, kind: Kind, check: Callable[[], object]) -> list[Finding]:
    """Nothing where the check passes, else one finding that says why it does not."""
    try:
        check()
    except (OSError, ValueError, RecursionError, IntegrityError) as error:
        return [Finding(path.name, kind, str(error))]
    return []


def _run_file(run: RunFolder) -> list[Finding]:
    if not run.exists and (run.checkpoints.is_dir() or run.config.exists()):
        return [Finding("run.json", "missing", "it is missing")]
    found = _read(run.run_file, "damaged", lambda: run.status)
    if not found and not run.untouched():
        found.append(Finding("run.json", "altered", "it does not match the checksum inside it"))
    return found


def _lock_state(run: RunFolder) -> list[Finding]:
    who = holder(run.path)
    if who is None:
        return []
    state = "the process is gone; the next start takes over" if who.gone else "it is being written"
    return [Finding(HEARTBEAT, "note", f"{state}: {who}")]


def _final(run: RunFolder) -> list[Finding]:
    if run.manifest.exists():
        return verify(run.path)
    found = []
    for file in (run.environment, run.data):
        if file.exists():
            found += _json(file)
    if run.backbone.exists():
        found += _read(run.backbone, "damaged", lambda: check_header(run.backbone))
    text = "the run is not finished: its own files have no checksums yet"
    return [*found, Finding(MANIFEST, "note", text)]


def _json(path: Path) -> list[Finding]:
    return _read(path, "damaged", lambda: json.loads(path.read_text(encoding="utf-8")))


def _lines(path: Path) -> list[Finding]:
    found = _read(path, "damaged", lambda: sum(1 for _ in records.read(path)))
    if count := 0 if found else records.cut_lines(path):
        text = f"{count} of its lines were cut by a crash, or damaged; readers pass them over"
        found.append(Finding(path.name, "cut", text))
    if not records.terminated(path):
        text = "its last line was cut; readers ignore it and the next record starts a fresh line"
        found.append(Finding(path.name, "cut", text))
    return found


def _folders(path: Path) -> list[Path]:
    return sorted(p for p in path.iterdir() if p.is_dir()) if path.is_dir() else []


def _checkpoints(folder: Path) -> list[Finding]:
    found = []
    names = []
    for path in _folders(folder):
        if atomic.is_temporary(path.name) or not path.name.startswith("step-"):
            continue
        if path.name.endswith(".passed-over"):
            text = "damaged earlier, or of a stretch that was trained again; it may be removed"
            found.append(Finding(f"checkpoints/{path.name}", "note", text))
            continue
        names.append(path.name)
        for one in (*verify(path), *_strangers(path)):
            found.append(one.under(f"checkpoints/{path.name}"))
    if folder.is_dir():
        kept = [p.name for p in _folders(folder) if p.name.startswith("step-")]
        found += [one.under("checkpoints") for one in extras(folder, ("LATEST", *kept))]
    return [*found, *_latest(folder / "LATEST", names)]


def _strangers(folder: Path) -> list[Finding]:
    try:
        return extras(folder, read_manifest(folder))
    except IntegrityError:
        return []


def _latest(path: Path, names: list[str]) -> list[Finding]:
    if not path.exists():
        if not names:
            return []
        return [Finding("checkpoints/LATEST", "note", "it is missing; the folders are the truth")]
    told = path.read_text(encoding="utf-8", errors="replace").strip()
    if names and told == max(names, key=lambda name: (len(name), name)):
        return []
    text = f"it names {told[:40]!r}, which is not the newest; the folders are the truth"
    return [Finding("checkpoints/LATEST", "note", text)]


def _evaluation(folder: Path) -> list[Finding]:
    if (folder / MANIFEST).exists():
        return verify(folder)
    result = folder / "result.json"
    return _json(result) if result.exists() else []
