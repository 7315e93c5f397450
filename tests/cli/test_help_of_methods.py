"""The page of help of every method that there is: whole, and as narrow as a terminal."""

from __future__ import annotations

import re

import pytest

from presight import methods
from presight.cli.main import main
from presight.core import options, registry

WIDTH = 100


@pytest.mark.parametrize("name", methods.names())
def test_help_names_every_option(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pretrain", "--method", name, "--help"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert [line for line in out.splitlines() if len(line) > WIDTH] == []
    kind = registry.load(name)
    listed = re.findall(r"^  (--[\w-]+)", out, re.MULTILINE)
    own = {"backbone"} if kind.card.backbone == "own" else set()
    known = [option for option in options.of_pretraining(kind) if option.name not in own]
    assert sorted(listed) == sorted(["--config", *(option.flag for option in known)])
    assert f"method {name}: {kind.card.title}" in out
