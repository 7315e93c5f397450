"""One writer a run folder: a file lock that ends with its process, and a heartbeat."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import secrets
import socket
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from filelock import FileLock, Timeout

from presight.errors import RunError
from presight.store import atomic

HEARTBEAT_SECONDS = 5.0
STALE_SECONDS = 600.0

LOCK = ".lock"
HEARTBEAT = ".heartbeat"
GUARD = ".lock.guard"


@dataclass(frozen=True, slots=True)
class Holder:
    """Who writes, or wrote, a run folder.

    Args:
        pid: of the process.
        host: name of its machine; it stands in the heartbeat only, which goes with the lock.
        since: seconds since 1970 when the lock was taken.
        token: tells this lock from later ones.
        age: seconds since the last heartbeat.
    """

    pid: int
    host: str
    since: float
    token: str
    age: float

    @property
    def here(self) -> bool:
        """Whether the holder is of this machine."""
        return self.host == socket.gethostname()

    @property
    def gone(self) -> bool:
        """Whether the holder certainly ended, or has been silent for too long."""
        return (self.here and not atomic.alive(self.pid)) or self.age > STALE_SECONDS

    def __str__(self) -> str:
        clock = time.strftime("%H:%M", time.localtime(self.since))
        return f"pid {self.pid} on host {self.host} since {clock} (heartbeat {self.age:.0f} s ago)"


def holder(folder: Path) -> Holder | None:
    """Who holds the folder by its heartbeat, or None. It takes no lock."""
    path = Path(folder) / HEARTBEAT
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        age = max(0.0, time.time() - path.stat().st_mtime)
        return Holder(
            int(told["pid"]), str(told["host"]), float(told["since"]), str(told["token"]), age
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


class Lock:
    """Exclusive right to write into a run folder; use it as a context.

    Args:
        folder: the run folder; it must exist.
        seconds: between heartbeats.
    """

    def __init__(self, folder: Path, seconds: float = HEARTBEAT_SECONDS) -> None:
        self.folder, self.seconds = Path(folder), seconds
        self.notes: list[str] = []
        self._token = secrets.token_hex(8)
        self._lock: FileLock | None = None
        self._ended = threading.Event()
        self._beat: threading.Thread | None = None

    def acquire(self) -> Self:
        """Take the lock, also from a holder that is gone, which `notes` then says.

        Raises:
            RunError: another process writes the folder, or the folder cannot be written.
        """
        try:
            if not self.folder.is_dir():  # else the lock would make it
                raise OSError(errno.ENOTDIR, "there is no such folder")
            with FileLock(self.folder / GUARD, timeout=10):
                self._take()
        except Timeout:
            raise self._busy(holder(self.folder)) from None
        except OSError as error:
            raise RunError(
                f"cannot write in {self.folder}: {error.strerror or error}. "
                "A folder that this user may write to was expected; choose another with --out."
            ) from error
        self._ended.clear()
        self._beat = threading.Thread(target=self._keep_beating, daemon=True)
        self._beat.start()
        return self

    def _take(self) -> None:
        before = holder(self.folder)
        lock = FileLock(self.folder / LOCK, timeout=0, thread_local=False)
        try:
            lock.acquire()
        except Timeout:
            if before is None or not before.gone:
                raise self._busy(before) from None
            # A lock that outlived its holder: on a network disk, or kept by an orphaned child.
            (self.folder / LOCK).unlink(missing_ok=True)
            lock = FileLock(self.folder / LOCK, timeout=0, thread_local=False)
            lock.acquire()
        if before is not None and not before.here and not before.gone:
            lock.release()  # this disk's locks do not reach the other machine
            raise self._busy(before)
        if before is not None:
            self.notes.append(f"took over {self.folder} from {before}: that process is gone.")
        self._lock = lock
        told = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": time.time(),
            "token": self._token,
        }
        try:
            atomic.write_json(self.folder / HEARTBEAT, told)
        except BaseException:
            self._lock = None
            lock.release()
            raise

    def _busy(self, who: Holder | None) -> RunError:
        writer = str(who) if who else "another process"
        return RunError(
            f"{self.folder} is being written by {writer}. Wait for it, or choose another --out."
        )

    def _keep_beating(self) -> None:
        while not self._ended.wait(self.seconds):
            with contextlib.suppress(OSError):
                os.utime(self.folder / HEARTBEAT)

    def check(self) -> None:
        """Check that the lock is still ours; a process that slept for long may have lost it.

        Raises:
            RunError: another process took the folder over.
        """
        now = holder(self.folder)
        if now is not None and now.token != self._token:
            raise self._busy(now)

    def release(self) -> None:
        """Give the folder back; calling it twice does no harm."""
        self._ended.set()
        if self._beat is not None:
            self._beat.join()
            self._beat = None
        lock, self._lock = self._lock, None
        if lock is None:
            return
        now = holder(self.folder)
        if now is not None and now.token == self._token:
            with contextlib.suppress(RunError):
                atomic.remove_tree(self.folder / HEARTBEAT)
        lock.release()

    def __enter__(self) -> Self:
        return self.acquire() if self._lock is None else self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()
