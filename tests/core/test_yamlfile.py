from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from presight.core import yamlfile
from presight.errors import UsageError

WORDS = [
    "no",
    "1e-4",
    "010",
    "",
    " a",
    "#",
    "a #b",
    "a: b",
    "null",
    "~",
    "-",
    "- a",
    "[x]",
    "{",
    "é",
]
WORDS += [
    "true",
    ".5",
    'say "a"',
    "C:\\x",
    "\x1b[2J",
    "two\nlines",
    "\u2028",
    "\U0001f600",
    "*",
    "&",
]
WORDS += ["0x1", "!!str", "%a", "@a", "`", "'", "|", ">", "?", "=", "<<", "12:30", "on", "Y"]
VALUES: list[tuple[str, Any]] = [
    ("1e-4", 1e-4),
    ("1E+4", 1e4),
    ("-1.5e3", -1500.0),
    (".5", 0.5),
    ("1.", 1.0),
    ("3.0", 3.0),
    ("12", 12),
    ("-12", -12),
    ("+3", 3),
    ("010", 10),
    ("0x10", 16),
    ("0o17", 15),
    ("1_000", "1_000"),
    ("12:30", "12:30"),
    ("190:20:30.15", "190:20:30.15"),
    ("2024-01-01", "2024-01-01"),
    ("no", "no"),
    ("NO", "NO"),
    ("yes", "yes"),
    ("on", "on"),
    ("off", "off"),
    ("y", "y"),
    ("true", True),
    ("True", True),
    ("false", False),
    ("FALSE", False),
    ("null", None),
    ("~", None),
    ("", None),
    ("'1'", "1"),
    ('"true"', "true"),
    ("simclr", "simclr"),
    ("photos/", "photos/"),
    ("torchvision:CIFAR10", "torchvision:CIFAR10"),
    ("=", "="),
    ("<<", "<<"),
    ("[1, 2.5, no]", [1, 2.5, "no"]),
    ("{a: 1, b: [x]}", {"a": 1, "b": ["x"]}),
    ("|\n  two\n  lines\n", "two\nlines\n"),
]


@pytest.mark.parametrize(("text", "expected"), VALUES)
def test_values_mean_what_they_say(text: str, expected: Any) -> None:
    value = yamlfile.parse(f"key: {text}")["key"]
    assert value == expected
    assert type(value) is type(expected)


def test_traps_that_the_plain_loader_falls_into() -> None:
    assert yaml.safe_load("lr: 1e-4") == {"lr": "1e-4"}
    assert yaml.safe_load("a: no") == {"a": False}
    assert yaml.safe_load("a: 010") == {"a": 8}
    assert yaml.safe_load("a: 12:30") == {"a": 750}
    assert yaml.safe_load("a: 1\na: 2") == {"a": 2}


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: 1\nb: 2\na: 3", 3, "a stands twice, first in line 1"),
        ("train:\n  lr: 1\n  lr: 2", 3, "lr stands twice, first in line 2"),
        ("a: &x 1\nb: *x", 1, "anchors"),
        ("b: *x", 1, "aliases"),
        ("a: 1\n\nb: !!python/object/apply:os.system [ls]", 3, "tags"),
        ("a: !!str 1", 1, "tags"),
        ("a: !own 1", 1, "tags"),
        ("a: .inf", 1, ".inf is not a finite number"),
        ("a: 1\nb: -.inf", 2, "-.inf is not a finite number"),
        ("a: .nan", 1, ".nan is not a finite number"),
        ("a: 1e999", 1, "1e999 is not a finite number"),
        ("? [1]\n: 2", 1, "keys must be words"),
        ("a: [1", 1, "expected"),
        ("a: b: c", 1, "not allowed"),
        ("a: 1\n\tb: 2", 2, "cannot start any token"),
        ("a: 1\n---\nb: 2", 2, "another document"),
    ],
)
def test_what_is_refused_with_its_line(text: str, line: int, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        yamlfile.parse(text, "own.yaml")
    assert str(caught.value).startswith(f"own.yaml, line {line}: ")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["- 1", "word", "3"])
def test_only_mappings_are_taken(text: str) -> None:
    with pytest.raises(UsageError, match="must hold `key: value` lines"):
        yamlfile.parse(text)


@pytest.mark.parametrize("text", ["", "# only a comment\n"])
def test_an_empty_text_is_an_empty_mapping(text: str) -> None:
    assert yamlfile.parse(text) == {}


def test_keys_are_words() -> None:
    assert yamlfile.parse("32: 1\ntrue: 2\nno: 3") == {"32": 1, "true": 2, "no": 3}


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(UsageError, match="nested too deeply"):
        yamlfile.parse("a: " + "[" * 5000)


def test_control_characters_are_refused() -> None:
    with pytest.raises(UsageError, match="unacceptable character"):
        yamlfile.parse("a: \x00")


def test_files(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(b"\xef\xbb\xbfname: \xc3\xbc\n")
    assert yamlfile.read(file) == {"name": "ü"}
    file.write_bytes(b"name: \xff\n")
    with pytest.raises(UsageError, match=r"not UTF-8 text \(byte 6\)"):
        yamlfile.read(file)
    file.write_bytes(b"#" * (yamlfile.MAX_BYTES + 1))
    with pytest.raises(UsageError, match="larger than 1 MB"):
        yamlfile.read(file)
    with pytest.raises(UsageError, match=r"cannot read .*No such file"):
        yamlfile.read(tmp_path / "b.yaml")
    with pytest.raises(UsageError, match=r"cannot read .*directory"):
        yamlfile.read(tmp_path)


@pytest.mark.parametrize(
    "value",
    WORDS,
)
def test_words_survive_the_round_trip(value: str) -> None:
    data = {"key": value, "list": [value], "deep": {"er": {"key": value}}}
    assert yamlfile.parse(yamlfile.dump(data)) == data
    assert yaml.safe_load(f"key: {yamlfile._scalar(value)}")["key"] == value


def test_control_characters_are_written_escaped() -> None:
    assert "\x1b" not in yamlfile.dump({"a": "\x1b[2J"})


plain_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(blacklist_categories=("Cs",))),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("abc-_ 1", max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.text("abcno1: #", min_size=1, max_size=5), plain_values, max_size=4))
@settings(max_examples=150, deadline=None)
def test_the_round_trip_is_the_identity(data: dict[str, Any]) -> None:
    assert yamlfile.parse(yamlfile.dump(data)) == data


def test_comments_of_origin_stand_at_their_values() -> None:
    data = {"train": {"lr": 0.1, "epochs": 5}, "data": "photos/", "method": {"views": {"a": {}}}}
    origins = {
        "train.lr": "preset (paper)",
        "train.epochs": "auto: 5\nseen",
        "method.views": "user",
    }
    text = yamlfile.dump(data, origins)
    assert text.splitlines() == [
        "# presight config, layout 1: unknown keys are errors",
        "train:",
        "  lr: 0.1  # preset (paper)",
        "  epochs: 5  # auto: 5 seen",
        "data: photos/",
        "method:",
        "  views:  # user",
        "    a: {}",
    ]
    assert yamlfile.parse(text) == data


def test_numbers_that_are_not_finite_are_not_written() -> None:
    with pytest.raises(ValueError, match="cannot stand"):
        yamlfile.dump({"a": math.nan})
