"""Evaluate and predict: their help needs no torch, and every option says what it is."""

from __future__ import annotations

import subprocess
import sys

import pytest

from presight.core import options
from presight.pretraining import verbs


@pytest.mark.parametrize("verb", [verbs.evaluate, verbs.predict])
def test_every_option_is_explained(verb: object) -> None:
    known = options.of_function(verb)  # type: ignore[arg-type]
    assert [option.name for option in known if not option.help] == []


def test_they_are_known_without_torch() -> None:
    code = "import sys; from presight.pretraining import verbs; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
