"""A method by a file, a module or a name; what is not there is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from presight import methods
from presight.core import plugins
from presight.errors import UsageError
from presight.testing.chosen import chosen

FILE = Path(__file__).parents[2] / "examples" / "my_method.py"


def test_all_three_ways_lead_to_a_class() -> None:
    name = methods.names()[0]
    kind = methods.load(name)
    assert chosen(name) is kind
    assert chosen(f"{kind.__module__}:{kind.__name__}") is kind
    own = chosen(f"{FILE}:AgreeAndSpread")
    assert own is chosen(str(FILE))
    assert plugins.file_of(own) == str(FILE)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("no.such.module:Mine", "no module no.such.module"),
        ("presight.core.method:Card", "has no method Card"),
        (f"{FILE}:Other", "It has .*AgreeAndSpread"),
        ("missing.py:Mine", "no plugin file missing.py"),
        ("simlcr", "no method"),
    ],
)
def test_what_is_not_there_is_told(words: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        chosen(words)
