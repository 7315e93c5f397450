from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from presight.training import signals as signals_module
from presight.training.signals import POLITE, Signals


@pytest.mark.parametrize("number", POLITE)
def test_a_polite_signal_sets_a_flag(number: int) -> None:
    with Signals() as signals:
        assert signals.pending == ""
        os.kill(os.getpid(), number)
        assert signals.pending == signal.Signals(number).name


def test_handlers_come_back() -> None:
    before = [signal.getsignal(number) for number in POLITE]
    with Signals():
        assert all(signal.getsignal(n) != b for n, b in zip(POLITE, before, strict=True))
    assert [signal.getsignal(number) for number in POLITE] == before


def test_handlers_come_back_after_an_error() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(RuntimeError), Signals():
        raise RuntimeError
    assert signal.getsignal(signal.SIGTERM) == before


def test_another_thread_installs_nothing() -> None:
    found: list[object] = []

    def look() -> None:
        with Signals() as signals:
            found.append((signal.getsignal(signal.SIGTERM), signals.pending))

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert found == [(before, "")]


def test_a_second_signal_ends_the_process_at_once() -> None:
    code = (
        "import os, signal\n"
        "from presight.training.signals import Signals\n"
        "with Signals() as s:\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    print(s.pending, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    print('still here', flush=True)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout.split()) == (75, ["SIGTERM"])


def test_at_a_prompt_a_second_signal_interrupts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signals_module, "is_interactive", lambda: True)
    with Signals() as signals:
        os.kill(os.getpid(), signal.SIGINT)
        assert signals.pending == "SIGINT"
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
