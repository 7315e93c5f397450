import json
import os
import socket
import subprocess
import sys
import threading
import time

import pytest

from presight.errors import RunError
from presight.store.lock import HEARTBEAT, Lock, holder

HOLD = """
import sys
from pathlib import Path
from presight.store.lock import Lock
lock = Lock(Path(sys.argv[1])).acquire()
print("held", flush=True)
sys.stdin.read()
lock.release()
"""


@pytest.fixture
def other(tmp_path):
    """Another process that holds the folder until its input ends."""
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout.readline() == "held\n"
    yield child
    child.kill()
    child.communicate(timeout=30)


def beat(folder, *, pid=1, host=None, age=0.0, token="other"):
    path = folder / HEARTBEAT
    told = {"pid": pid, "host": host or socket.gethostname(), "since": 0.0, "token": token}
    path.write_text(json.dumps(told))
    os.utime(path, (time.time() - age, time.time() - age))


def test_a_second_process_is_told_who_writes(tmp_path, other):
    form = (
        rf"{tmp_path} is being written by pid {other.pid} on host {socket.gethostname()} "
        r"since \d\d:\d\d \(heartbeat \d+ s ago\)"
    )
    with pytest.raises(RunError, match=form):
        Lock(tmp_path).acquire()
    assert holder(tmp_path).pid == other.pid
    other.communicate("", timeout=30)
    with Lock(tmp_path) as lock:
        assert lock.notes == []
        assert holder(tmp_path).pid == os.getpid()
    assert holder(tmp_path) is None


def test_a_killed_holder_is_succeeded_and_that_is_said(tmp_path, other):
    other.kill()
    other.wait(timeout=30)
    with Lock(tmp_path) as lock:
        assert len(lock.notes) == 1
        assert f"pid {other.pid}" in lock.notes[0]
        lock.check()


def test_within_a_process_there_is_one_holder_too(tmp_path):
    with Lock(tmp_path), pytest.raises(RunError, match=f"pid {os.getpid()}"):
        Lock(tmp_path).acquire()
    Lock(tmp_path).acquire().release()


def test_of_many_at_once_one_wins(tmp_path):
    for _ in range(10):
        won, lost = [], []
        start = threading.Barrier(4)

        def race(won=won, lost=lost, start=start):
            start.wait()
            try:
                won.append(Lock(tmp_path).acquire())
            except RunError as error:
                lost.append(error)

        threads = [threading.Thread(target=race) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(won) == 1
        assert len(lost) == 3
        won[0].release()


@pytest.mark.parametrize(
    ("facts", "free"),
    [
        ({"host": "elsewhere", "age": 30.0}, False),
        ({"host": "elsewhere", "age": 601.0}, True),
        ({"host": "elsewhere", "age": -86400.0}, False),
        ({"pid": 2**22 + 1}, True),
        ({"pid": os.getppid(), "age": 3.0}, True),  # its lock ended with it: the number is reused
    ],
)
def test_a_heartbeat_without_its_lock(tmp_path, facts, free):
    beat(tmp_path, **facts)
    if free:
        with Lock(tmp_path) as lock:
            assert "took over" in lock.notes[0]
    else:
        with pytest.raises(RunError, match="on host elsewhere"):
            Lock(tmp_path).acquire()
        assert holder(tmp_path).host == "elsewhere"


def test_a_silent_holder_is_succeeded_and_notices_it(tmp_path):
    first = Lock(tmp_path, seconds=1e6).acquire()
    old = time.time() - 601
    os.utime(tmp_path / HEARTBEAT, (old, old))
    second = Lock(tmp_path).acquire()
    assert "took over" in second.notes[0]
    with pytest.raises(RunError, match="is being written"):
        first.check()
    first.release()
    second.check()
    assert holder(tmp_path) is not None
    with pytest.raises(RunError):
        Lock(tmp_path).acquire()
    second.release()


def test_the_heart_beats(tmp_path):
    with Lock(tmp_path, seconds=0.01):
        os.utime(tmp_path / HEARTBEAT, (0, 0))
        deadline = time.monotonic() + 10
        while holder(tmp_path).age > 1000 and time.monotonic() < deadline:
            threading.Event().wait(0.005)
        assert holder(tmp_path).age < 1000


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": "x"}', "null"])
def test_a_damaged_heartbeat_stops_nobody(tmp_path, text):
    (tmp_path / HEARTBEAT).write_text(text)
    assert holder(tmp_path) is None
    with Lock(tmp_path):
        assert holder(tmp_path).pid == os.getpid()


def test_release_twice_does_no_harm(tmp_path):
    lock = Lock(tmp_path).acquire()
    lock.release()
    lock.release()


def test_a_missing_folder_is_explained(tmp_path):
    with pytest.raises(RunError, match=r"cannot write in .*--out"):
        Lock(tmp_path / "file" / "no").acquire()
