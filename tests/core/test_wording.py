from __future__ import annotations

import pytest

from presight.core.wording import (
    between,
    cut,
    day,
    duration,
    flag,
    number,
    percent,
    points,
    visible,
)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (1905.4, "1,905"),
        (12, "12"),
        (0.071234, "0.07123"),
        (10.5, "10.5"),
        (5.0, "5"),
        (131.26, "131.3"),
        (-3.14159, "\u22123.142"),
        (0.0, "0"),
        (1e-12, "1e-12"),
        (float("nan"), "not finite"),
    ],
)
def test_numbers(value: float, words: str) -> None:
    assert number(value) == words


def test_an_option_as_on_the_command_line() -> None:
    assert flag("max_bad_fraction") == "--max-bad-fraction"


def test_shares() -> None:
    assert percent(0.7124) == "71.2\u00a0%"
    assert between(0.683, 0.739) == "68.3 to 73.9"
    assert points(0.121) == "+12.1"
    assert points(-0.01) == "\u22121.0"


@pytest.mark.parametrize(
    ("seconds", "words"), [(12.4, "12 s"), (754.0, "12 min"), (3900.0, "1 h 05 min")]
)
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_what_cannot_be_printed_is_replaced() -> None:
    assert visible("a\x00b\u202ec\ud800\n") == "a\ufffdb\ufffdc\ufffd\n"
    assert visible("71.2\u00a0% \u6f22\x07") == "71.2\u00a0% \u6f22\ufffd"


def test_cut() -> None:
    assert cut("a\n  b") == "a b"
    assert cut("x" * 60) == "x" * 60
    assert cut("x" * 61) == "x" * 59 + "\u2026"
    assert cut(3) == "3"


def test_days() -> None:
    assert day("2026-11-03T20:15:08Z") == "3 November 2026"
    assert day("2026-13-03T20:15:08Z") == "2026-13-03T20:15:08Z"
    assert day("yesterday") == "yesterday"
    assert day("") == ""
