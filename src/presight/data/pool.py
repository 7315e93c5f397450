"""Child processes that open images, kept for the life of this process.

Own children instead of a multiprocessing pool: they start without torch and without importing the
user's script again, and when one dies or hangs it is known which image killed it.
"""

from __future__ import annotations

import atexit
import dataclasses
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import IO, Any

from presight.data.decode import Limits
from presight.data.source import Piece
from presight.errors import DataError

Task = tuple[Piece, dict[str, Any]]
Answer = tuple[Any, bytes]
Progress = Callable[[int, int], None]

_CHUNK = 32
_START_SECONDS = 60.0
_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]);"
    "from presight.data.worker import main; main()"
)


class _Child:
    """One process, and the time by which it must have answered."""

    def __init__(self, limits: Limits) -> None:
        path = json.dumps([entry for entry in sys.path if entry])
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", _START, path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.requests: IO[bytes] = self.process.stdin
        self.replies: IO[bytes] = self.process.stdout
        self.deadline = float("inf")
        self.late = False
        self.answered = False
        self.limits: Limits | None = None
        self.use(limits)

    def use(self, limits: Limits) -> None:
        """Tell the limits, where they are not those told before."""
        if limits != self.limits:
            self.limits = limits
            self._write(json.dumps({"limits": dataclasses.asdict(limits)}).encode() + b"\n")

    def _write(self, data: bytes) -> None:
        try:
            self.requests.write(data)
            self.requests.flush()
        except OSError:
            return  # a dead child is noticed when its reply is missing

    def send(self, tasks: Sequence[Task]) -> None:
        """Hand over several tasks."""
        parts: list[bytes] = []
        for piece, extra in tasks:
            line = {"path": piece.path, "start": piece.start, "length": piece.length, **extra}
            if piece.data is not None:
                line["bytes"] = len(piece.data)
            parts += [json.dumps(line).encode(), b"\n", piece.data or b""]
        self._write(b"".join(parts))

    def receive(self, tail: bool, seconds: float) -> Answer | None:
        """The next answer; None when the child is dead."""
        start = 0 if self.answered else _START_SECONDS
        self.deadline = time.monotonic() + seconds + start
        line = self.replies.readline()
        if not line.endswith(b"\n"):
            return None
        self.answered = True
        reply = json.loads(line)
        size = reply[0] * reply[1] * 3 if tail and isinstance(reply, list) else 0
        data = self.replies.read(size)
        self.deadline = float("inf")
        return (reply, data) if len(data) == size else None

    def end(self) -> None:
        """Stop the process and close its pipes."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.requests, self.replies):
            try:
                pipe.close()
            except OSError:
                continue  # unsent bytes of a child that is gone


class Pool:
    """Children that work on tasks, in parallel.

    Args:
        workers: number of processes.
    """

    def __init__(self, workers: int) -> None:
        self.workers = max(1, workers)
        self._idle: queue.SimpleQueue[_Child] = queue.SimpleQueue()
        self._all: set[_Child] = set()
        self._slots = threading.Semaphore(self.workers)
        threading.Thread(target=self._watch, name="presight-watch", daemon=True).start()

    def _watch(self) -> None:
        """Kill whoever takes too long; its reader sees the end of the pipe."""
        while True:
            time.sleep(0.2)
            for child in tuple(self._all):
                if time.monotonic() > child.deadline:
                    child.late = True
                    child.process.kill()

    def _take(self, limits: Limits) -> _Child:
        try:
            child = self._idle.get_nowait()
            child.use(limits)
        except queue.Empty:
            child = _Child(limits)
            self._all.add(child)
        return child

    def _drop(self, child: _Child) -> str:
        """End a child that failed; what to say about the image it worked on."""
        self._all.discard(child)
        child.end()
        if child.late:
            return "took too long to open"
        if child.process.returncode == -9:
            return "the decoder was killed (signal 9), usually for memory: try fewer --workers"
        return f"the decoder crashed (exit status {child.process.returncode})"

    def _work(
        self, tasks: Sequence[Task], limits: Limits, done: Callable[[], None]
    ) -> list[Answer]:
        """Answers to some tasks, from one child, or from its successors where it dies.

        An image is blamed for the second child that dies over it: the first may have been killed
        by a signal to all processes of a terminal or a job, or for another one's memory.
        """
        answers: list[Answer] = []
        suspect = -1
        with self._slots:
            while len(answers) < len(tasks):
                child = self._take(limits)
                if self._talk(child, tasks, answers, limits.seconds, done):
                    self._idle.put(child)
                    continue
                if not child.answered:
                    self._check_start()
                reason = self._drop(child)
                if suspect != len(answers) and not child.late:
                    suspect = len(answers)
                    continue
                answers.append(({"reason": reason, "kind": "unreadable"}, b""))
                done()
        return answers

    @staticmethod
    def _talk(
        child: _Child,
        tasks: Sequence[Task],
        answers: list[Answer],
        seconds: float,
        done: Callable[[], None],
    ) -> bool:
        """Fill in the answers that are missing; False when the child died over the next one."""
        tail = tasks[0][1]["do"] == "decode" and "into" not in tasks[0][1]
        if not tail:  # replies are short: both pipes together hold a whole chunk of them
            child.send(tasks[len(answers) :])
        while len(answers) < len(tasks):
            if tail:
                child.send(tasks[len(answers) : len(answers) + 1])
            reply = child.receive(tail, seconds)
            if reply is None:
                return False
            answers.append(reply)
            done()
        return True

    @staticmethod
    def _check_start() -> None:
        """A child died over its first image: perhaps children cannot start at all."""
        child = _Child(Limits())
        child.send([(Piece("", os.devnull), {"do": "inspect"})])
        reply = child.receive(False, 0.0)
        child.end()
        if reply is None:
            raise DataError(
                "decoding processes cannot start: python -P -c 'import presight.data.worker' "
                "fails. Install presight into this Python."
            )

    def run(
        self, tasks: Sequence[Task], limits: Limits, progress: Progress | None = None
    ) -> list[Answer]:
        """Answers in the order of the tasks; `{"reason", "kind"}` where an image failed."""
        count = len(tasks)
        size = max(1, min(_CHUNK, -(-count // self.workers)))
        chunks = [tasks[start : start + size] for start in range(0, count, size)]
        results: list[list[Answer]] = [[] for _ in chunks]
        todo = iter(range(len(chunks)))
        lock = threading.Lock()
        failures: list[BaseException] = []
        counted = [0]

        def done() -> None:
            with lock:
                counted[0] += 1

        def loop() -> None:
            try:
                while not failures:
                    with lock:
                        number = next(todo, None)
                    if number is None:
                        return
                    results[number] = self._work(chunks[number], limits, done)
            except BaseException as error:
                failures.append(error)

        try:
            self._threads(loop, min(self.workers, len(chunks)), counted, count, progress)
        except BaseException as error:
            failures.append(error)  # the threads stop after their chunk
            raise
        if failures:
            raise failures[0]
        return [answer for part in results for answer in part]

    @staticmethod
    def _threads(
        loop: Callable[[], None],
        number: int,
        counted: list[int],
        total: int,
        progress: Progress | None,
    ) -> None:
        """Run the loop in threads and report on them; an interrupt does not wait for them."""
        threads = [threading.Thread(target=loop, daemon=True) for _ in range(number)]
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():
                thread.join(0.2)
                if progress is not None:
                    progress(counted[0], total)
        if progress is not None and threads:
            progress(counted[0], total)

    def close(self) -> None:
        """End all children."""
        for child in tuple(self._all):
            self._drop(child)


_pools: dict[int, Pool] = {}


def pool(workers: int) -> Pool:
    """The process-wide pool of so many children."""
    if workers not in _pools:
        _pools[workers] = Pool(workers)
        atexit.register(_pools[workers].close)
    return _pools[workers]


def default_workers() -> int:
    """One less than the cores, at most 8."""
    return min(max((os.cpu_count() or 2) - 1, 1), 8)
