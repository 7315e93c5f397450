"""One tree, and an exit code a class."""

from __future__ import annotations

import re

import pytest

from presight import errors
from presight.cli.console import explain

KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, errors.PresightError)
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_the_table_on_top_is_true(kind: type[errors.PresightError]) -> None:
    row = re.search(rf"\b{kind.__name__}\s+(?:exit code )?(\d+)", errors.__doc__ or "")
    assert row is not None
    assert kind.exit_code == int(row[1])
    assert explain(kind("words")) == ("words", kind.exit_code)
