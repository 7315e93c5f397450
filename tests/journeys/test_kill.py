"""Real kills of the real command: kill -9, faults inside a save, SIGTERM, and two processes.

Whatever happens, the same command again ends with the bits of a run that nothing happened to.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor

from presight import methods
from presight.core.draw import key_of
from presight.store.records import read
from presight.store.tensors import load_tensors
from presight.testing.processes import TIMED
from presight.training.checkpoint import Checkpoints

pytestmark = [pytest.mark.journey, pytest.mark.timeout(240)]

NAMES = methods.names()
UPDATES = 12
CALM = 6
"""Updates after which no kill comes: the run must not be over before."""
ROUNDING = 1e-9
"""Float64 sums in another order, over a run."""
WAIT = 120.0
"""Seconds until a command that hangs is given up."""


def words(name: str, out: Path, precision: str = "fp32") -> list[str]:
    """The command, without the interpreter."""
    return [
        *("pretrain", "scenes:64", "--method", name, "--out", str(out)),
        *("--image-size", "16", "--backbone", "resnet9:4", "--precision", precision),
        *("--epochs", str(UPDATES // 4), "--batch-size", "16"),
        *("--checkpoint-minutes", "0", "--device", "cpu", "--quiet"),
    ]


def start(command: list[str], **environment: str) -> subprocess.Popen[str]:
    """`python -m presight` in the background."""
    return subprocess.Popen(
        [sys.executable, "-m", "presight", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | environment,
    )


def run(command: list[str], **environment: str) -> int:
    """The exit code, and no traceback."""
    process = start(command, **environment)
    text, _ = process.communicate(timeout=WAIT)
    assert "Traceback" not in text, text
    return process.returncode


def records(out: Path) -> int:
    """Updates that the run has written down."""
    file = out / "metrics.jsonl"
    return file.read_bytes().count(b"\n") if file.exists() else 0


def strike(process: subprocess.Popen[str], out: Path, after: int, number: int) -> int:
    """Send a signal when so many updates are done; returns the exit code."""
    end = time.monotonic() + WAIT
    while records(out) < after and process.poll() is None and time.monotonic() < end:
        time.sleep(0.002)
    process.send_signal(number)
    process.communicate(timeout=WAIT)
    return process.returncode


def state(out: Path) -> Mapping[str, Tensor]:
    """Every tensor of the newest checkpoint."""
    snapshot = Checkpoints(out / "checkpoints").latest()
    assert snapshot is not None
    assert snapshot.step == UPDATES
    return {f"{g}:{n}": t for g in snapshot.groups for n, t in snapshot.tensors(g).items()}


def assert_same(one: Path, other: Path) -> None:
    """Bit for bit: weights, buffers, optimizers, the exported backbone, the records' steps."""
    here, there = state(one), state(other)
    assert here.keys() == there.keys()
    assert [n for n in here if not torch.equal(here[n], there[n])] == []
    here, there = (load_tensors(out / "backbone.safetensors") for out in (one, other))
    assert [n for n in here if not torch.equal(here[n], there[n])] == []
    assert records(one) == records(other)


def in_turn(names: list[str], folder: Path) -> subprocess.Popen[str]:
    """One process that gives the command for one method after the other: it starts once."""
    commands = [words(name, folder / name) for name in names]
    code = f"from presight.cli.main import main\nfor c in {commands!r}:\n    assert main(c) == 0, c"
    return subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every method's run without any trouble."""
    folder = tmp_path_factory.mktemp("straight")
    process = in_turn(NAMES, folder)
    text, _ = process.communicate(timeout=200)
    assert process.returncode == 0, text
    return folder


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every method's run killed once, at an update of its own, and given again."""
    folder = tmp_path_factory.mktemp("killed")
    for number, name in enumerate(NAMES):
        process = in_turn(NAMES[max(0, number - 1) :], folder)  # and what was killed before
        after = 1 + key_of("kill", name) % CALM
        assert strike(process, folder / name, after, signal.SIGKILL) == -signal.SIGKILL
    process = in_turn(NAMES[-1:], folder)
    text, _ = process.communicate(timeout=200)
    assert process.returncode == 0, text
    return folder


@pytest.mark.timeout(500)
@pytest.mark.parametrize("name", NAMES)
def test_kill_9_and_the_same_command_again(name: str, straight: Path, killed: Path) -> None:
    assert_same(straight / name, killed / name)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", NAMES)
def test_many_kills_and_faults_in_saves(name: str, straight: Path, tmp_path: Path) -> None:
    out = tmp_path / name
    command = words(name, out)
    for number in (4, 9, 30):
        assert run(command, PRESIGHT_FAULT=f"any:{number}") == 137
    for number in range(2):
        after = records(out) + 1 + key_of("many", name, number) % 4
        assert strike(start(command), out, after, signal.SIGKILL) == -signal.SIGKILL
        assert run(command, PRESIGHT_FAULT=f"rename:{3 + number}") == 137
    assert run(command) == 0
    assert_same(straight / name, out)


def test_a_polite_signal_ends_with_75(straight: Path, tmp_path: Path) -> None:
    name = NAMES[-2]
    out = tmp_path / name
    command = words(name, out)
    command[command.index("--checkpoint-minutes") + 1] = "60"
    assert strike(start(command), out, 3, signal.SIGTERM) == 75
    assert run(command) == 0
    here, there = state(straight / name), state(out)
    assert [n for n in here if not torch.equal(here[n], there[n])] == []


def on_two(command: list[str]) -> None:
    """The same command under torchrun."""
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    process = subprocess.run(
        [*launcher, "--nproc-per-node", "2", "-m", "presight", *command],
        capture_output=True,
        text=True,
        timeout=WAIT,
        env=os.environ | {"GLOO_SOCKET_IFNAME": "lo", "TP_SOCKET_IFNAME": "lo"},
    )
    assert process.returncode == 0, process.stdout + process.stderr


def told(out: Path) -> Iterator[tuple[str, float]]:
    """The numbers in the records that do not depend on time, in order."""
    for record in read(out / "metrics.jsonl"):
        for key, value in record.items():
            if key not in TIMED:
                yield f"{key} of update {record['step']}", float(str(value))


def torchrun_agrees(name: str, folder: Path) -> None:
    """One process and two, in float64: weights, and what the records say, the monitor's too."""
    one, two = folder / "one", folder / "two"
    watched = ["--monitor-labels", "scenes:40?size=16&seed=1", "--monitor-every", "0.5"]
    assert run([*words(name, one, "fp64"), *watched]) == 0
    on_two([*words(name, two, "fp64"), *watched])
    assert any(key.startswith("ridge_accuracy") for key, _ in told(two))
    here, there = state(one), state(two)
    assert here.keys() == there.keys()
    for key, value in here.items():
        difference = float((value.double() - there[key].double()).abs().max())
        scale = max(1.0, float(value.double().abs().max()))
        assert difference <= ROUNDING * scale, f"{key} differs by {difference:.1e}"
    for (key, one_says), (other, two_say) in zip(told(one), told(two), strict=True):
        assert key == other
        close = abs(one_says - two_say) <= ROUNDING * max(1.0, abs(one_says))
        assert close, f"{key} is {one_says} alone and {two_say} together"


def test_torchrun_with_two_processes_is_one(tmp_path: Path) -> None:
    torchrun_agrees(NAMES[-2], tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_torchrun_with_two_processes_is_one_for_all(name: str, tmp_path: Path) -> None:
    torchrun_agrees(name, tmp_path)
