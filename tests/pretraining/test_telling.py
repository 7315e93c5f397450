"""Where what a person is told goes."""

from __future__ import annotations

import time

import pytest

from presight.pretraining.telling import counted, say


def test_outside_a_notebook_it_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    say("speed     12 images/s")
    assert capsys.readouterr() == ("", "speed     12 images/s\n")


def test_an_estimate_of_the_rest_is_told_where_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    show = counted("answering", quiet=False, estimate=True)
    assert show is not None
    for seconds, done in ((30, 100), (40, 110), (90, 400), (121, 400)):
        now[0] = 100.0 + seconds
        show(done, 400)
    monkeypatch.undo()
    assert capsys.readouterr().err.splitlines() == [
        "answering 100 of 400, 1 min left",
        "answering 400 of 400",
        "answering 400 of 400",
    ]
