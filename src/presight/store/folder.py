"""The run folder: names of everything in it, its state, and who may write it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, cast, get_args

from presight.errors import IntegrityError, RunError
from presight.store import atomic
from presight.store.environment import environment, version_of
from presight.store.lock import GUARD, HEARTBEAT, LOCK, Lock

__all__ = ["LAYOUT", "RunFolder", "Status", "environment", "utc"]

LAYOUT = 1
Status = Literal["running", "interrupted", "done", "failed", "diverged"]

_OWN = (LOCK, HEARTBEAT, GUARD)
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")


def utc(seconds: float | None = None) -> str:
    """A moment as 2025-01-31T14:02:09Z; now by default."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _checksum(told: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


class RunFolder:
    """Everything that a run leaves behind, under one folder that may be moved and copied.

    Args:
        path: the folder; it need not exist yet.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.run_file = self.path / "run.json"
        self.config = self.path / "config.yaml"
        self.environment = self.path / "environment.json"
        self.plugin = self.path / "plugin.py"
        self.data = self.path / "data.json"
        self.skipped = self.path / "skipped.csv"
        self.metrics = self.path / "metrics.jsonl"
        self.events = self.path / "events.jsonl"
        self.logs = self.path / "logs"
        self.checkpoints = self.path / "checkpoints"
        self.backbone = self.path / "backbone.safetensors"
        self.card = self.path / "README.md"
        self.evaluations = self.path / "eval"
        self.figures = self.path / "figures"
        self.debug = self.path / "debug"
        self.report = self.path / "report.html"
        self.manifest = self.path / "MANIFEST.json"

    def __fspath__(self) -> str:
        return str(self.path)

    def __str__(self) -> str:
        return str(self.path)

    def log(self, rank: int = 0) -> Path:
        """The log of a process; process 0 writes the main one."""
        return self.logs / ("main.log" if rank == 0 else f"rank-{rank}.log")

    def evaluation(self, name: str) -> Path:
        """The folder of an evaluation, which stays inside the run folder whatever its name.

        Raises:
            RunError: the name is no plain word.
        """
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", name):
            raise RunError(f"evaluation name {name!r}: letters, digits, '.', '_', '-' expected.")
        return self.evaluations / name

    @property
    def exists(self) -> bool:
        """Whether the folder holds a run."""
        return self.run_file.is_file()

    @property
    def begun(self) -> bool:
        """Whether its run came as far as its configuration, which is there before it learns."""
        return self.exists and (self.data.is_file() or self.checkpoints.is_dir())

    def create(self, command: Sequence[str] = (), *, overwrite: bool = False) -> RunFolder:
        """Begin a new run. With `overwrite` what stands there is moved to `NAME.old-TIME`.

        Overwrite before `lock`: a lock moves with the folder that it stands in.

        Args:
            command: the words of the command line; this process's by default.
            overwrite: replace a run that is there.

        Raises:
            RunError: a run, or files of somebody else, stand there; or it cannot be written.
        """
        others = self._others()
        if others and overwrite:
            self.move_aside()
        elif self.exists:
            raise RunError(self.finished() if self.status == "done" else self._unfinished())
        self.refuse_others()
        atomic.make_folder(self.path)
        now = utc()
        self._write(
            {
                "layout": LAYOUT,
                "presight": version_of("presight") or "unknown",
                "id": secrets.token_hex(6),
                "status": "running",
                "created": now,
                "updated": now,
                "command": [_CREDENTIALS.sub("", word) for word in (command or sys.argv)],
                "host": atomic.host_hash(),
                "pids": [os.getpid()],
            }
        )
        return self

    def refuse_others(self) -> None:
        """Raise before anything is written beside files that are no run's."""
        others = self._others()
        if others and not self.exists:
            raise RunError(
                f"{self.path} holds {len(others)} files that are no run's, {others[0]} first. "
                "An empty or new folder was expected; choose another with --out."
            )

    def open(self) -> RunFolder:
        """Check that the folder holds a run of a layout that is read here.

        Raises:
            RunError: there is none, or a newer presight wrote it.
            IntegrityError: run.json is damaged.
        """
        self.info()
        return self

    def info(self) -> dict[str, object]:
        """What run.json says; errors as for `open`."""
        try:
            told = json.loads(self.run_file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise RunError(
                f"{self.path} holds no run: there is no run.json in it. "
                "The --out folder of an earlier presight pretrain was expected."
            ) from None
        except OSError as error:
            raise RunError(f"cannot read {self.run_file}: {error.strerror}.") from error
        except (ValueError, RecursionError):
            told = None
        if not isinstance(told, dict) or not isinstance(told.get("layout"), int):
            raise IntegrityError(
                f"{self.run_file} is damaged: a JSON object with a layout was expected. "
                "Restore it from a copy; the checkpoints beside it are not touched."
            )
        if told["layout"] > LAYOUT:
            raise RunError(
                f"{self.path} was written by presight {told.get('presight')} (layout "
                f"{told['layout']}), this is {version_of('presight')} (layout {LAYOUT}). "
                "Install the newer version."
            )
        return told

    def untouched(self) -> bool:
        """Whether run.json is, byte for byte, what was written: it holds its own checksum."""
        told = self.info()
        whole = atomic.json_text(told) == self.run_file.read_text(encoding="utf-8")
        return whole and told.pop("checksum", None) == _checksum(told)

    @property
    def status(self) -> Status:
        """How the run stands, by run.json; a killed run still says `running`."""
        word = self.info().get("status")
        if word not in get_args(Status):
            raise IntegrityError(f"{self.run_file} is damaged: unknown status {word!r}.")
        return cast(Status, word)

    def update(self, status: Status, **facts: str | int | float | bool) -> None:
        """Write the state, the time, this process and further facts into run.json.

        A run that is running again loses its manifest: its final files are about to change.
        """
        told = self.info()
        if status == "running" and self.manifest.exists():
            atomic.remove_tree(self.manifest)
        pids = told.get("pids")
        known = [pid for pid in pids if isinstance(pid, int)] if isinstance(pids, list) else []
        own = [] if os.getpid() in known[-1:] else [os.getpid()]
        told |= {
            "status": status,
            "updated": utc(),
            "host": atomic.host_hash(),
            "pids": [*known, *own][-20:],
            **facts,
        }
        self._write(told)

    def lock(self) -> Lock:
        """The exclusive right to write here, taken; the folder is made if need be.

        What a killed writer left half-written is swept away, which the lock's notes say.

        Raises:
            RunError: another process writes here, or the folder cannot be written.
        """
        atomic.make_folder(self.path)
        lock = Lock(self.path).acquire()
        try:
            swept = atomic.sweep(self.path)
        except BaseException:
            lock.release()
            raise
        if swept:
            lock.notes.append(f"removed {len(swept)} unfinished files that a killed run left.")
        return lock

    def move_aside(self) -> Path:
        """Rename the folder to `NAME.old-TIME`; nothing is ever deleted.

        Raises:
            RunError: another process writes it.
        """
        Lock(self.path).acquire().release()
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        target = self.path.with_name(f"{self.path.name}.old-{stamp}")
        number = 1
        while target.exists():
            number += 1
            target = self.path.with_name(f"{self.path.name}.old-{stamp}-{number}")
        atomic.move(self.path, target)
        return target

    def finished(self) -> str:
        """What is said when a finished run stands in the way."""
        return (
            f"{self.path} holds a finished run. Continue: the same command with a larger "
            f"--epochs, such as --epochs 400, extends it · new: --out {self.path}2 · "
            "replace: --overwrite (moves it aside)"
        )

    def _unfinished(self) -> str:
        return (
            f"{self.path} holds a run that is not finished ({self.status}). The same command "
            f"goes on with it · new: --out {self.path}2 · replace: --overwrite (moves it aside)"
        )

    def _others(self) -> list[str]:
        if not self.path.exists():
            return []
        try:
            names = sorted(entry.name for entry in self.path.iterdir())
        except OSError as error:
            raise RunError(
                f"cannot use {self.path}: {error.strerror}. A folder was expected."
            ) from error
        return [name for name in names if name not in _OWN and not atomic.is_temporary(name)]

    def _write(self, told: dict[str, object]) -> None:
        told.pop("checksum", None)
        atomic.write_json(self.run_file, {**told, "checksum": _checksum(told)})
