"""Where what a person is told goes."""

from __future__ import annotations

import pytest

from presight.pretraining.telling import say


def test_outside_a_notebook_it_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    say("speed     12 images/s")
    assert capsys.readouterr() == ("", "speed     12 images/s\n")
