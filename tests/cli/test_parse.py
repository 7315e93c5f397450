from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from presight.cli.parse import parse, peek
from presight.core.options import Option, Owners
from presight.errors import UsageError

KNOWN = [
    Option("data", str, "", "images.", "pretrain", positional=True),
    Option("heat", float, 0.1, "divisor.", "toy"),
    Option("batch_size", int, 256, "images an update.", "plan"),
    Option("sharp", bool, False, "cuts.", "toy"),
    Option("out", str, "", "the run folder.", "settings"),
]
OWNERS = Owners("method toy", {"queue_size": ("moco-v2",)}, "presight pretrain --help")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", {}),
        ("photos/", {"data": "photos/"}),
        ("--heat 0.2", {"heat": "0.2"}),
        ("--heat=0.2", {"heat": "0.2"}),
        ("heat=0.2", {"heat": "0.2"}),
        ("--heat -0.2", {"heat": "-0.2"}),
        ("--heat -.2", {"heat": "-.2"}),
        ("--heat=", {"heat": ""}),
        ("--batch-size 8", {"batch_size": "8"}),
        ("--batch_size 8", {"batch_size": "8"}),
        ("batch_size=8", {"batch_size": "8"}),
        ("batch-size=8", {"batch_size": "8"}),
        ("--out a=b", {"out": "a=b"}),
        ("out=a=b", {"out": "a=b"}),
        ("--sharp", {"sharp": "true"}),
        ("--sharp photos/", {"sharp": "true", "data": "photos/"}),
        ("--sharp false photos/", {"sharp": "false", "data": "photos/"}),
        ("--sharp=no", {"sharp": "no"}),
        ("--no-sharp", {"sharp": "false"}),
        ("--heat 1 --heat 2", {"heat": "2"}),
        ("photos/ --heat 1", {"heat": "1", "data": "photos/"}),
        ("--heat 1 photos/", {"heat": "1", "data": "photos/"}),
        ("-- --heat", {"data": "--heat"}),
        ("a/b=c", {"data": "a/b=c"}),
        ("-", {"data": "-"}),
        ("-3", {"data": "-3"}),
    ],
)
def test_forms_that_are_taken(line: str, expected: dict[str, Any]) -> None:
    assert parse(line.split(), KNOWN, OWNERS) == expected


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--haet 1", "unknown option --haet for method toy. Did you mean --heat (float, default"),
        ("--haet=1", "unknown option --haet for method toy. Did you mean --heat"),
        ("haet=1", "unknown option --haet for method toy. Did you mean --heat"),
        ("photos/ haet=1", "unknown option --haet for method toy. Did you mean --heat"),
        ("--queue-size 1", "--queue-size belongs to moco-v2, not toy."),
        ("queue_size=1", "--queue-size belongs to moco-v2, not toy."),
        ("--no-heat", "unknown option --no-heat"),
        ("-x", "unknown option --x for method toy."),
        ("--data x", "unknown option --data for method toy."),
        ("--heat", "--heat needs a value (float): divisor."),
        ("--heat --sharp", "--heat needs a value (float): divisor."),
        ("a b", 'unexpected "b" for method toy: options begin with --. See: presight pretrain'),
    ],
)
def test_forms_that_are_refused(line: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(line.split(), KNOWN, OWNERS)
    assert str(caught.value).startswith(message)


def test_a_file_whose_name_looks_like_an_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "heat=1").mkdir()
    assert parse(["heat=1"], KNOWN, OWNERS) == {"data": "heat=1"}


def test_a_subject_may_take_many_words() -> None:
    many = [Option("runs", tuple[str, ...], (), "folders.", "report", positional=True), KNOWN[4]]
    assert parse(["a", "--out", "x", "b"], many, OWNERS) == {"runs": ["a", "b"], "out": "x"}
    assert parse([], many, OWNERS) == {"runs": []}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("x --method moco", "moco"),
        ("--method=moco x", "moco"),
        ("method=moco", "moco"),
        ("--method a --method b", "b"),
        ("--method", None),
        ("--methods a", None),
        ("", None),
    ],
)
def test_peek(line: str, expected: str | None) -> None:
    assert peek(line.split(), "method") == expected
