from __future__ import annotations

import errno
import io
import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from presight import errors
from presight.cli import console
from presight.cli.console import Console, Result


def raiser(error: BaseException) -> Callable[[], int]:
    def command() -> int:
        raise error

    return command


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.PresightError, 1),
        (errors.UsageError, 2),
        (errors.Unavailable, 2),
        (errors.DataError, 3),
        (errors.Diverged, 4),
        (errors.OutOfMemory, 5),
        (errors.RunError, 6),
        (errors.IntegrityError, 7),
        (errors.Interrupted, 75),
        (errors.Stopped, 0),
    ],
)
def test_exit_codes(
    kind: type[errors.PresightError], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert Console().guard(raiser(kind("what, why, remedy."))) == code
    out, err = capsys.readouterr()
    word = "stopped" if code in (0, 75) else "error"
    assert (out, err) == ("", f"{word}: what, why, remedy.\n")


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (KeyboardInterrupt(), 75, "stopped: interrupted. Give the same command again"),
        (KeyError("x"), 1, "this is a bug in presight: KeyError: 'x'. Please report"),
        (RuntimeError(""), 1, "this is a bug in presight: RuntimeError: no message."),
        (MemoryError(), 5, "out of memory"),
        (torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to"), 5, "--batch-size"),
        (RuntimeError("MPS backend out of memory"), 5, "--batch-size"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: 8 GB"), 5, "--image-size"),
        (FileNotFoundError(errno.ENOENT, "No such file", "a.csv"), 1, "No such file: a.csv."),
        (OSError(errno.ENOSPC, "No space left on device"), 1, "No space left on device. Check"),
    ],
)
def test_other_exceptions(
    error: BaseException, code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert Console().guard(raiser(error)) == code
    err = capsys.readouterr().err
    assert words in err
    assert "Traceback" not in err
    assert err.count("\n") == 1


def test_only_a_bug_is_called_one(capsys: pytest.CaptureFixture[str]) -> None:
    Console().guard(raiser(OSError(errno.EACCES, "Permission denied", "a")))
    assert "bug" not in capsys.readouterr().err


def test_debug_shows_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    Console(debug=True).guard(raiser(errors.UsageError("no.")))
    assert "Traceback" in capsys.readouterr().err


def test_results_go_to_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    assert Console().show(Result(("a", "b"), {"x": 1}, exit_code=7), "doctor") == 7
    out, err = capsys.readouterr()
    assert (out, err) == ("a\nb\n", "")


def test_json_is_one_line_and_the_only_one_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    record = {"loss": math.nan, "path": Path("runs/a"), "list": [1.5, math.inf], "name": "a\nb"}
    Console(json=True).show(Result(("a",), record), "pretrain")
    out, err = capsys.readouterr()
    assert err == "a\n"
    assert out.count("\n") == 1
    assert json.loads(out) == {
        "verb": "pretrain",
        "ok": True,
        "exit_code": 0,
        "loss": None,
        "path": "runs/a",
        "list": [1.5, None],
        "name": "a\nb",
    }


def test_json_of_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    Console(json=True).guard(raiser(errors.DataError("no images.")))
    out, err = capsys.readouterr()
    assert json.loads(out) == {"ok": False, "exit_code": 3, "error": "no images."}
    assert err == "error: no images.\n"


def test_only_process_0_prints_results(capsys: pytest.CaptureFixture[str]) -> None:
    second = Console(json=True, rank=1)
    second.show(Result(("a",)), "pretrain")
    assert capsys.readouterr() == ("", "")
    second.guard(raiser(errors.DataError("no images.")))
    assert capsys.readouterr() == ("", "error (process 1): no images.\n")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a\x1b[2Jb", "a\\x1b[2Jb"),
        ("a\rb", "a\\rb"),
        ("a\u202eb", "a\\u202eb"),
        ("\udcff", "\\udcff"),
        ("ü", "ü"),
        ("two\nlines", "two\nlines"),
    ],
)
def test_control_characters_of_names_do_nothing(name: str, shown: str) -> None:
    assert console.visible(name) == shown


def test_what_a_stream_cannot_encode_is_escaped() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    console.write(stream, "ü · 3 ± 1 → 4")
    assert raw.getvalue() == b"\\xfc - 3 +- 1 -> 4\n"


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.fixture
def quiet_environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("CI", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    return monkeypatch


def test_a_terminal_gets_color(quiet_environment: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    quiet_environment.setattr("sys.stderr", terminal)
    Console().fail("bad \x1b[2J [name]", 2)
    text = terminal.getvalue()
    assert "\x1b[" in text
    assert "bad \\x1b[2J [name]" in text


@pytest.mark.parametrize(("name", "value"), [("CI", "true"), ("NO_COLOR", "1"), ("TERM", "dumb")])
def test_plain_on_request(quiet_environment: pytest.MonkeyPatch, name: str, value: str) -> None:
    terminal = Terminal()
    quiet_environment.setenv(name, value)
    quiet_environment.setattr("sys.stderr", terminal)
    Console().fail("bad", 2)
    assert terminal.getvalue() == "error: bad\n"
