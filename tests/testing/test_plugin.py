"""The suite in a folder far from this one, as a method's author has it.

By pytest's own command line where that is the point, else by the same words in this process.
"""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import presight
from commands import Said
from presight.testing import processes
from presight.testing.conformance import CHECKS
from presight.testing.plugin import _hint
from presight.testing.trial import Trial

EXAMPLE = Path(__file__).parents[2] / "examples" / "my_method.py"
SOURCE = Path(presight.__file__).parents[1]

WRONG = {
    "check_forward_writes": (
        "        self.encoder = encoders()\n",
        '        self.encoder = encoders()\n        self.register_buffer("seen", torch.zeros(1))\n',
        "        dim = everyone.shape[1]\n",
        "        dim = everyone.shape[1]\n        self.seen.add_(1)\n",
    ),
    "check_generator": (
        "        return Out(\n            -agreement - spread,\n",
        "        noise = torch.random.initial_seed() % 97\n"
        "        return Out(\n            -agreement - spread * (1 + noise / 1000),\n",
    ),
    "check_help": ("        eps: radius within", "        radius: within"),
}
"""Wrong variants of the example by the one check that names the fault: pairs of old and new."""


def words() -> list[str]:
    """Options of every call; the plug-in is loaded by name where it is not installed."""
    installed = any(point.name == "presight" for point in entry_points(group="pytest11"))
    load = [] if installed else ["-p", "presight.testing.plugin"]
    return [*load, "-p", "no:cacheprovider", "-rA"]


SUITE = ("--pyargs", "presight.testing")


def child(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """`python -m pytest`."""
    paths = os.pathsep.join((str(SOURCE), os.environ.get("PYTHONPATH", "")))
    return subprocess.run(
        [sys.executable, "-m", "pytest", *words(), *more],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        timeout=100,
    )


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Said]:
    """The suite's exit code and output, run in this process, which has torch already."""
    monkeypatch.chdir(tmp_path)

    def call(method: str, *more: str) -> Said:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = pytest.main([*words(), "--capture", "no", *SUITE, "--method", method, *more])
        return Said(int(code), out.getvalue(), err.getvalue())

    return call


def test_a_good_method_passes_every_check_each_by_name(
    tmp_path: Path, suite: Callable[..., Said], monkeypatch: pytest.MonkeyPatch
) -> None:
    paired: list[str] = []

    def check_two_processes(trials: Sequence[Trial]) -> None:
        """The test of the example runs the real one, on a method of a file too."""
        paired.extend(trial.method.__name__ for trial in trials)

    monkeypatch.setattr(processes, "check_two_processes", check_two_processes)
    (tmp_path / "mine.py").write_text(EXAMPLE.read_text())
    done = suite("mine.py:AgreeAndSpread")
    assert done.code == 0, done.out + done.err
    assert f"{len(CHECKS) + 1} passed" in done.out
    for check in (*CHECKS, check_two_processes):
        assert f"::{check.__name__}\n" in done.out
    assert paired == ["AgreeAndSpread"]


PEEKING = ("        embedding = unit(", "        step.labels\n        embedding = unit(")


@pytest.mark.parametrize("check", WRONG)
def test_a_wrong_method_fails_the_check_that_names_the_fault(
    tmp_path: Path, suite: Callable[..., Said], check: str
) -> None:
    text = EXAMPLE.read_text()
    edits = iter(WRONG[check])
    for old, new in zip(edits, edits, strict=True):
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "wrong.py").write_text(text)
    done = suite("wrong.py", "-k", "not resume and not processes")
    failed = {
        line.split("::")[1].split(" ")[0]
        for line in done.out.splitlines()
        if line.startswith("FAILED")
    }
    assert failed == {check}, done.out
    assert "What must hold:" in done.out


@pytest.mark.journey
def test_a_method_that_asks_for_labels_is_told_that_there_are_none(tmp_path: Path) -> None:
    text = EXAMPLE.read_text()
    assert PEEKING[0] in text
    (tmp_path / "peeks.py").write_text(text.replace(*PEEKING))
    done = child(tmp_path, *SUITE, "--method", "peeks.py", "-k", "check_loss")
    assert done.returncode == 1
    assert "Labels never reach a method" in done.stdout


def test_a_label_among_the_views_gets_the_same_words() -> None:
    assert "Labels never reach a method" in _hint(KeyError("labels"))
    assert not _hint(KeyError("small")) + _hint(KeyError()) + _hint(AttributeError("labels"))


@pytest.mark.journey
def test_without_a_method_it_says_what_is_missing(tmp_path: Path) -> None:
    done = child(tmp_path, *SUITE)
    assert done.returncode == 4
    assert "needs --method" in done.stdout + done.stderr


def test_an_unknown_method_is_a_line(suite: Callable[..., Said]) -> None:
    done = suite("missing.py:Mine")
    assert done.code == 4
    assert "ERROR: no plugin file missing.py" in done.err
    assert "Traceback" not in done.err


@pytest.mark.journey
def test_other_projects_may_have_an_option_of_that_name(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(
        "import sys\n"
        "def pytest_addoption(parser):\n    parser.addoption('--method', default='theirs')\n"
    )
    (tmp_path / "test_it.py").write_text(
        "import sys\ndef test_it(pytestconfig):\n"
        "    assert pytestconfig.getoption('--method') == 'theirs'\n"
        "    assert 'torch' not in sys.modules\n"
    )
    done = child(tmp_path, "test_it.py")
    assert done.returncode == 0, done.stdout + done.stderr
