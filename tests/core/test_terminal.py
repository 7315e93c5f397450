from __future__ import annotations

import io

import pytest

from presight.core.terminal import is_plain


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
