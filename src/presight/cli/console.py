"""What a command prints: results on stdout, all else on stderr; errors in one line; exit codes."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TextIO

from presight.core.terminal import is_plain
from presight.errors import Interrupted, OutOfMemory, PresightError, Stopped

BUG = 1
_NO_ERRORS = (Stopped.exit_code, Interrupted.exit_code)
_ASCII = str.maketrans(  # dot, plus-minus, ellipsis, arrow, times, about, dashes, micro
    {
        "\u00b7": "-",
        "\u00b1": "+-",
        "\u2026": "...",
        "\u2192": "->",
        "\u00d7": "x",
        "\u2248": "~",
        "\u2013": "-",
        "\u2014": "-",
        "\u00b5": "u",
    }
)
_OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")


@dataclass(frozen=True)
class Result:
    """What a verb hands back.

    Args:
        lines: for people.
        record: for machines, printed as one line with --json.
        exit_code: of the command.
    """

    lines: tuple[str, ...] = ()
    record: Mapping[str, Any] = field(default_factory=dict)
    exit_code: int = 0

    @classmethod
    def of(cls, outcome: Any) -> Result:
        """What the library hands back: its `lines()` for people, its `summary` for machines."""
        if isinstance(outcome, cls):
            return outcome
        return cls(tuple(outcome.lines()), outcome.summary)


@dataclass(frozen=True)
class Console:
    """The only place of the command line that prints.

    Args:
        json: one line of JSON on stdout at the end; lines for people go to stderr.
        debug: show tracebacks.
        rank: of this process; only process 0 prints results.
    """

    json: bool = False
    debug: bool = False
    rank: int = 0

    def show(self, result: Result, verb: str) -> int:
        """Print a result and return its exit code."""
        if self.rank == 0:
            stream = sys.stderr if self.json else sys.stdout
            for line in result.lines:
                write(stream, line)
            if self.json:
                ok = result.exit_code == 0
                self._machine(
                    {"verb": verb, "ok": ok, "exit_code": result.exit_code}, result.record
                )
        return result.exit_code

    def fail(self, message: str, exit_code: int) -> int:
        """Print an error in one paragraph and return the exit code."""
        word = "stopped" if exit_code in _NO_ERRORS else "error"
        where = f" (process {self.rank})" if self.rank else ""
        if not is_plain(sys.stderr):
            from rich.console import Console as Rich
            from rich.text import Text

            rich = Rich(stderr=True, highlight=False, soft_wrap=True)
            rich.print(Text(word, style="bold red"), Text(f"{where}: {visible(message)}"), sep="")
        else:
            write(sys.stderr, f"{word}{where}: {message}")
        if self.json and self.rank == 0:
            self._machine({"ok": exit_code == 0, "exit_code": exit_code}, {word: message})
        return exit_code

    def guard(self, command: Callable[[], int]) -> int:
        """Run a command; whatever it raises becomes a message and an exit code."""
        try:
            return command()
        except BrokenPipeError:  # the reader of our output has gone, which is its right
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        except KeyboardInterrupt:
            return self.fail(
                "interrupted. Give the same command again to go on.", Interrupted.exit_code
            )
        except Exception as error:
            if self.debug:
                traceback.print_exc()
            return self.fail(*explain(error))

    def _machine(self, head: Mapping[str, Any], record: Mapping[str, Any]) -> None:
        write(sys.stdout, json.dumps(finite({**head, **record}), allow_nan=False, default=str))


def explain(error: Exception) -> tuple[str, int]:
    """Message and exit code of an exception."""
    if isinstance(error, PresightError):
        return str(error), error.exit_code
    if is_out_of_memory(error):
        return (
            f"out of memory: {first_line(error)}. Try a smaller --batch-size or --image-size, or "
            "--accumulate 2.",
            OutOfMemory.exit_code,
        )
    if isinstance(error, OSError) and error.strerror:
        name = f": {error.filename}" if error.filename else ""
        return f"{error.strerror}{name}. Check the path, its permissions and the free space.", BUG
    return (
        f"this is a bug in presight: {type(error).__name__}: {first_line(error)}. Please report "
        "it with the command and what --debug adds to this message.",
        BUG,
    )


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, on a device or on the host; torch is not imported for it."""
    if isinstance(error, MemoryError):
        return True
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(error, torch.cuda.OutOfMemoryError):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(words in text for words in _OUT_OF_MEMORY)


def first_line(error: BaseException) -> str:
    """The first line of an exception's text, without its full stop."""
    lines = str(error).strip().splitlines() or ["no message"]
    return lines[0].rstrip(".")


def visible(text: str) -> str:
    """The text with control characters of names written out, so that they do nothing."""
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text)


def write(stream: TextIO, line: str) -> None:
    """One line; control characters are escaped, and what the stream cannot encode too."""
    line = visible(line)
    if is_plain(stream):
        line = line.translate(_ASCII)
    encoding = getattr(stream, "encoding", None) or "utf-8"
    line = line.encode(encoding, "backslashreplace").decode(encoding)
    print(line, file=stream, flush=True)


def finite(value: Any) -> Any:
    """Plain data for JSON: numbers that are not finite become null."""
    if isinstance(value, Mapping):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return [finite(item) for item in value]
    if isinstance(value, float) and value - value != 0.0:
        return None
    return value
