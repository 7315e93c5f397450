"""The suite by pytest's own command line, in a folder far from this one, as a method's author."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import presight
from presight.testing.conformance import CHECKS

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


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    installed = any(point.name == "presight" for point in entry_points(group="pytest11"))
    load = () if installed else ("-p", "presight.testing.plugin")
    command = [sys.executable, "-m", "pytest", *load, "-p", "no:cacheprovider", "-rA", *words]
    paths = os.pathsep.join((str(SOURCE), os.environ.get("PYTHONPATH", "")))
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        timeout=100,
    )


def suite(folder: Path, method: str, *words: str) -> subprocess.CompletedProcess[str]:
    return run(folder, "--pyargs", "presight.testing", "--method", method, *words)


@pytest.mark.journey
def test_a_good_method_passes_every_check_each_by_name(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(EXAMPLE.read_text())
    done = suite(tmp_path, "mine.py:AgreeAndSpread")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(CHECKS) + 1} passed" in done.stdout
    assert "check_two_processes" in done.stdout


PEEKING = ("        embedding = unit(", "        step.labels\n        embedding = unit(")


@pytest.mark.journey
@pytest.mark.parametrize("check", WRONG)
def test_a_wrong_method_fails_the_check_that_names_the_fault(tmp_path: Path, check: str) -> None:
    text = EXAMPLE.read_text()
    edits = iter(WRONG[check])
    for old, new in zip(edits, edits, strict=True):
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "wrong.py").write_text(text)
    done = suite(tmp_path, "wrong.py", "-k", "not resume and not processes")
    failed = {
        line.split("::")[1].split(" ")[0]
        for line in done.stdout.splitlines()
        if line.startswith("FAILED")
    }
    assert failed == {check}, done.stdout
    assert "What must hold:" in done.stdout


@pytest.mark.journey
def test_a_method_that_asks_for_labels_is_told_that_there_are_none(tmp_path: Path) -> None:
    text = EXAMPLE.read_text()
    assert PEEKING[0] in text
    (tmp_path / "peeks.py").write_text(text.replace(*PEEKING))
    done = suite(tmp_path, "peeks.py", "-k", "check_loss")
    assert done.returncode == 1
    assert "Labels never reach a method" in done.stdout


@pytest.mark.journey
def test_without_a_method_it_says_what_is_missing(tmp_path: Path) -> None:
    done = run(tmp_path, "--pyargs", "presight.testing")
    assert done.returncode == 4
    assert "needs --method" in done.stdout + done.stderr


@pytest.mark.journey
def test_an_unknown_method_is_a_line(tmp_path: Path) -> None:
    done = suite(tmp_path, "missing.py:Mine")
    assert done.returncode == 4
    assert "ERROR: no plugin file missing.py" in done.stderr
    assert "Traceback" not in done.stderr


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
    done = run(tmp_path, "test_it.py")
    assert done.returncode == 0, done.stdout + done.stderr
