from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from data.making import encoded, pixels, write
from presight.data import pool as module
from presight.data.decode import Limits
from presight.data.pool import Pool, Task
from presight.data.source import Piece
from presight.errors import DataError


@pytest.fixture
def workers() -> Iterator[Pool]:
    made = Pool(2)
    yield made
    made.close()


def inspections(pieces: list[Piece]) -> list[Task]:
    return [(piece, {"do": "inspect"}) for piece in pieces]


def test_answers_come_in_the_order_of_the_tasks(tmp_path: Path, workers: Pool) -> None:
    data = [encoded(pixels(10 + n, 20)) for n in range(70)]
    pieces = [Piece("", "x", data=each) for each in data]
    pieces[3] = Piece("", str(write(tmp_path / "a.png", data[3])))
    pieces[5] = Piece("", "x", data=b"text")
    seen: list[tuple[int, int]] = []
    answers = workers.run(inspections(pieces), Limits(), lambda *n: seen.append(n))
    heights = [reply[0] for reply, _ in answers if isinstance(reply, list)]
    assert heights == [10 + n for n in range(70) if n != 5]
    assert answers[5][0]["reason"] == "not an image of a known format"
    assert seen[-1] == (70, 70)
    assert all(total == 70 for _, total in seen)


def test_pixels_come_back_and_limits_hold(workers: Pool) -> None:
    image = pixels(30, 20)
    task: Task = (Piece("", "x", data=encoded(image)), {"do": "decode", "side": 0})
    for limits, good in ((Limits(), True), (Limits(min_side=21), False), (Limits(), True)):
        [(reply, data)] = workers.run([task], limits)
        assert (reply == [30, 20] and data == image.tobytes()) is good


def test_names_that_are_no_text_reach_the_child(tmp_path: Path, workers: Pool) -> None:
    for name in (os.fsdecode(b"\xff\xfe.png"), "a\nb.png", "ж.png"):
        path = write(tmp_path / name)
        [(reply, _)] = workers.run(inspections([Piece("", str(path))]), Limits())
        assert isinstance(reply, list), name


def test_a_crash_costs_one_image(monkeypatch: pytest.MonkeyPatch) -> None:
    """A decoder that kills its process: stands in for a segmentation fault."""
    crashing = (
        "import os, presight.data.worker as w; kept = w.inspect;"
        "w.inspect = lambda p, l: os.kill(os.getpid(), 11) if p.data == b'kill' else kept(p, l);"
    )
    start = module._START.replace("from presight", f"{crashing} from presight", 1)
    monkeypatch.setattr(module, "_START", start)
    made = Pool(1)
    good = encoded(pixels())
    data = [good, b"kill", b"kill", good]
    try:
        answers = made.run(inspections([Piece("", "x", data=each) for each in data]), Limits())
    finally:
        made.close()
    assert [isinstance(reply, list) for reply, _ in answers] == [each == good for each in data]
    crashed = f"the decoder crashed (exit status -{signal.SIGSEGV.value})"
    assert answers[1][0]["reason"] == crashed


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGKILL"])
def test_a_child_that_a_signal_ended_costs_no_image(name: str) -> None:
    """As Ctrl-C does in a terminal: it reaches all of its processes."""
    if signal.getsignal(getattr(signal, name)) is signal.SIG_IGN:
        pytest.skip(f"{name} is ignored here, as in a shell's background, and so by children")
    made = Pool(1)
    task: Task = (Piece("", "x", data=encoded(pixels())), {"do": "decode", "side": 0})
    try:
        first = made.run([task], Limits())
        (child,) = made._all
        child.process.send_signal(getattr(signal, name))
        child.process.wait(60)
        assert made.run([task], Limits()) == first
    finally:
        made.close()


def test_a_hang_costs_one_image_and_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    hanging = (
        "import threading, presight.data.worker as w; kept = w.inspect;"
        "w.inspect = lambda p, l: threading.Event().wait() if p.data == b'hang' else kept(p, l);"
    )
    start = module._START.replace("from presight", f"{hanging} from presight", 1)
    monkeypatch.setattr(module, "_START", start)
    made = Pool(1)
    data = [encoded(pixels()), b"hang", encoded(pixels())]
    try:
        pieces = [Piece("", "x", data=each) for each in data]
        answers = made.run(inspections(pieces), Limits(seconds=0.3))
    finally:
        made.close()
    assert [isinstance(reply, list) for reply, _ in answers] == [True, False, True]
    assert answers[1][0]["reason"] == "took too long to open"


def test_children_that_cannot_start_are_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_START", "raise SystemExit(1)")
    made = Pool(1)
    with pytest.raises(DataError, match="cannot start"):
        made.run(inspections([Piece("", "x", data=b"")] * 3), Limits())
    made.close()


def test_an_interrupt_stops_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    made, go, calls = Pool(2), threading.Event(), []

    def work(tasks: list[Task], *_: object) -> list[object]:
        calls.append(len(tasks))
        go.wait(20)
        return []

    def stop(*_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(made, "_work", work)
    before = set(threading.enumerate())
    with pytest.raises(KeyboardInterrupt):
        made.run(inspections([Piece("", "x", data=b"")] * 3000), Limits(), stop)
    workers = set(threading.enumerate()) - before
    go.set()
    for thread in workers:
        thread.join()
    assert len(workers) == len(calls) == 2


def test_a_child_never_imports_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    code = module._START.replace("; main()", "; sys.exit('torch' in sys.modules)")
    assert code != module._START
    monkeypatch.setattr(module, "_START", code)
    child = module._Child(Limits())
    status = child.process.wait(60)
    child.end()
    assert status == 0


def test_children_end_with_their_input() -> None:
    child = module._Child(Limits())
    child.requests.close()
    assert child.process.wait(60) == 0
    child.replies.close()
