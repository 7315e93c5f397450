from __future__ import annotations

import io
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from presight.core.terminal import in_notebook, is_interactive, is_plain


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("variables", "plain"),
    [
        ({}, False),
        ({"CI": "", "NO_COLOR": ""}, False),
        ({"CI": "true"}, True),
        ({"NO_COLOR": "1"}, True),
        ({"TERM": "dumb"}, True),
    ],
)
def test_a_terminal_is_plain_on_request(
    variables: dict[str, str], plain: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CI", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in ({"TERM": "xterm"} | variables).items():
        monkeypatch.setenv(name, value)
    assert is_plain(Terminal()) is plain
    assert is_plain(io.StringIO())


@pytest.mark.parametrize(
    ("shell", "notebook", "interactive"),
    [
        (None, False, False),
        (SimpleNamespace(), False, True),  # IPython in a terminal
        (SimpleNamespace(kernel=None), False, True),
        (SimpleNamespace(kernel=object()), True, True),
    ],
)
def test_who_runs_this(
    shell: Any, notebook: bool, interactive: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(sys, "ps1", raising=False)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))  # type: ignore[arg-type]
    assert (in_notebook(), is_interactive()) == (notebook, interactive)


def test_without_ipython_a_prompt_is_a_prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    monkeypatch.delattr(sys, "ps1", raising=False)
    assert not is_interactive()
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    assert (in_notebook(), is_interactive()) == (False, True)
    assert "IPython" not in sys.modules
