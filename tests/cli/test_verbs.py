"""Verbs that are others than in Python; the library is replaced here."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import pytest

import presight
from presight.cli import verbs
from presight.errors import UsageError


class Finding:
    def __init__(self, text: str, broken: bool) -> None:
        self.text, self.broken = text, broken

    def __str__(self) -> str:
        return self.text


class Calls(list[Any]):
    """What the replaced functions were called with."""

    def taker(self, outcome: Any) -> Any:
        def call(*args: Any, **keywords: Any) -> Any:
            self.append((args, keywords))
            return outcome

        return call


@pytest.fixture
def calls() -> Calls:
    return Calls()


def replace(monkeypatch: pytest.MonkeyPatch, name: str, **members: Any) -> None:
    module = types.ModuleType(name)
    vars(module).update(members)
    monkeypatch.setitem(sys.modules, name, module)


@pytest.mark.parametrize(
    ("findings", "code", "words"),
    [
        ([], 0, "runs/a: every file is whole."),
        ([Finding("note  a: extra", False)], 0, "runs/a: every file is whole."),
        ([Finding("BROKEN  b: cut", True)], 7, "runs/a: not whole: see BROKEN above."),
    ],
)
def test_doctor_of_a_run(
    monkeypatch: pytest.MonkeyPatch, calls: Calls, findings: list[Finding], code: int, words: str
) -> None:
    replace(monkeypatch, "presight.store.doctor", inspect_run=calls.taker(findings))
    result = verbs.doctor("runs/a")
    assert result.exit_code == code
    assert result.lines == (*map(str, findings), words)
    assert calls == [(("runs/a",), {})]


def test_doctor_of_the_installation() -> None:
    result = verbs.doctor()
    assert result.lines[0].startswith("python ")
    assert result.record == {"installation": result.lines}


def test_report(monkeypatch: pytest.MonkeyPatch, calls: Calls) -> None:
    replace(monkeypatch, "presight.reporting.page", write_report=calls.taker("r.html"))
    assert verbs.report("runs/a", "runs/b", out="r.html").record == {"report": "r.html"}
    assert calls == [(([Path("runs/a"), Path("runs/b")], Path("r.html")), {})]
    with pytest.raises(UsageError, match="needs a run folder"):
        verbs.report()


def test_a_verb_that_is_the_same_in_python_is_that_function() -> None:
    same = {name: verb for name, verb in verbs.VERBS.items() if verb is getattr(presight, name, 0)}
    assert list(same) == ["demo", "check", "evaluate", "predict", "study", "embed", "export"]
