from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from presight.cli import pages
from presight.cli.verbs import VERBS
from presight.core import options, registry

PLUGIN = str(Path(__file__).parent / "plugin_methods.py")


def page(name: str) -> str:
    method = registry.load(name, PLUGIN)
    known = [options.of_function(VERBS["pretrain"])[0], *options.of_pretraining(method)]
    return "\n".join(pages.of_pretraining(known, method.card, registry.entry(name, PLUGIN)))


def test_the_overview_names_every_verb_with_its_summary() -> None:
    lines = pages.overview(VERBS)
    text = " ".join(" ".join(lines).split())
    for name, verb in VERBS.items():
        assert f"{name} {pages.summary(verb)}" in text
    assert max(map(len, lines)) <= 80


def test_a_methods_page_explains_every_option_with_the_reference() -> None:
    text = page("toy-two")
    assert "method toy-two: Toy Two (contrastive)" in text
    assert "Doe et al., Elsewhere 2021" in text
    for option in options.of_pretraining(registry.load("toy-two", PLUGIN)):
        assert f"  {option.flag}" in text
        assert option.help.split()[0] in text
    assert "rows of the queue. (int; default 64)" in text


def test_defaults_are_the_presets() -> None:
    lines = " ".join(page("toy-one").split())
    assert "default 0.5 (32), 0.1 (imagenet)" in lines
    assert "default 500 (32), 200 (imagenet)" in lines
    assert "(float; default 0.03)" in lines
    assert "(switch; default false)" in lines


def test_a_preset_that_leaves_an_option_out_takes_the_constructors() -> None:
    card = registry.load("toy-one", PLUGIN).card
    known = options.of_method(registry.load("toy-one", PLUGIN))
    assert pages.preset_values(card, known)["sides"] == "2,3"


def test_a_method_with_its_own_network_has_no_backbone_to_choose(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert "--backbone " in page("toy-one")
    method = registry.load("toy-one", PLUGIN)
    monkeypatch.setattr(method, "card", dataclasses.replace(method.card, backbone="own"))
    assert "--backbone " not in page("toy-one")


@pytest.mark.parametrize("verb", [name for name in VERBS if name != "pretrain"])
def test_every_verb_explains_every_option(verb: str) -> None:
    known = options.of_function(VERBS[verb])
    assert all(option.help for option in known)
    text = "\n".join(pages.of_verb(verb, VERBS[verb], known))
    assert text.startswith(f"usage: presight {verb}")
    for option in known:
        assert option.flag in text


def test_a_pipe_gets_80_columns_of_ascii() -> None:
    lines = page("toy-one").splitlines()
    assert max(map(len, lines)) <= 80
    assert all(line.isascii() for line in lines)


def test_usage_shows_what_may_be_left_out() -> None:
    def verb(first: str, second: str = "", /, *rest: str) -> None: ...

    known = options.of_function(verb)
    assert pages.usage("verb", known) == (
        "usage: presight verb FIRST [SECOND] [REST...] [--option value]"
    )
