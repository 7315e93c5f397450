from __future__ import annotations

import ast
import dataclasses
import sys
from pathlib import Path

import pytest

from presight.core import registry
from presight.core.method import Card
from presight.errors import Unavailable, UsageError

PLUGIN = str(Path(__file__).parent.parent / "cli" / "plugin_methods.py")
CARD = 'Card("{name}", "T", family="f", authors="A", year=2020, venue="V"{more})'


def plugin(folder: Path, body: str, name: str = "own.py") -> str:
    file = folder / name
    file.write_text(body)
    return str(file)


def a_card(name: str = "mine", more: str = "") -> str:
    return f"class Mine:\n    card = {CARD.format(name=name, more=more)}\n"


def test_card_fields_are_those_of_card() -> None:
    assert tuple(field.name for field in dataclasses.fields(Card)) == registry.CARD_FIELDS


def test_every_method_file_holds_a_card_and_every_card_is_found() -> None:
    root = Path(registry.__file__).parent.parent / "methods"
    files = {file for file in root.glob("*/*.py") if not file.name.startswith("_")}
    assert {entry.file for entry in registry.entries().values()} >= files


def test_an_entry_says_what_the_card_says() -> None:
    for name in registry.names(PLUGIN):
        entry, card = registry.entry(name, PLUGIN), registry.load(name, PLUGIN).card
        for field in set(registry.CARD_FIELDS) - {"presets", "failures"}:
            assert getattr(entry, field) == getattr(card, field), (name, field)


def test_names_are_sorted_and_hold_the_plugin() -> None:
    names = registry.names(PLUGIN)
    assert names == sorted(names)
    assert {"toy-one", "toy-two"} <= set(names)
    assert "toy-one" not in registry.names()


def test_options_are_read_without_import(tmp_path: Path) -> None:
    entry = registry.entry("toy-two", PLUGIN)
    assert entry.options == ("heat", "queue_size")
    body = a_card() + "    def __init__(self, encoders, data, *, a=1, b=2): ...\n"
    body += "class Next(Mine):\n    card = " + CARD.format(name="next", more="") + "\n"
    body += "raise RuntimeError('imported')\n"
    assert registry.entry("next", plugin(tmp_path, body)).options == ("a", "b")


def test_an_annotated_or_qualified_card_is_found(tmp_path: Path) -> None:
    body = "class Mine:\n    card: ClassVar[Card] = method." + CARD.format(name="q", more="")
    assert registry.names(plugin(tmp_path, body + "\n")).count("q") == 1


def test_classes_without_a_card_are_left_out(tmp_path: Path) -> None:
    body = a_card() + "class Base:\n    card = 3\nclass Other:\n    x = Card('a')\n"
    file = plugin(tmp_path, body)
    assert set(registry.names(file)) - set(registry.names()) == {"mine"}


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("mocov2", ["moco-v2", "moco", "simclr"]),
        ("MoCo_V2", ["moco-v2", "moco"]),
        ("simlcr", ["simclr"]),
        ("SIMCLR", ["simclr"]),
        ("xyz", []),
        ("", []),
    ],
)
def test_nearest(asked: str, expected: list[str]) -> None:
    known = ["bigan", "moco", "moco-v2", "rotation", "simclr"]
    assert registry.nearest(asked, known)[: len(expected) or 1] == expected


def test_the_message_for_an_unknown_name() -> None:
    text = registry.unknown(
        "method", "mocov2", ["moco-v2", "moco", "simclr"], "presight list methods"
    )
    assert text == (
        'no method "mocov2". Nearest: moco-v2, moco, simclr. See: presight list methods'
    )
    assert registry.unknown("verb", "q", ["ab"], "x") == 'no verb "q". See: x'


def test_an_unknown_method_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match=r'no method "toyone"\. Nearest: toy-one') as caught:
        registry.load("toyone", PLUGIN)
    assert caught.value.exit_code == 2


def test_load_imports_a_plugin_once() -> None:
    first = registry.load("toy-one", PLUGIN)
    assert registry.load("toy-one", PLUGIN) is first
    assert registry.load("toy-two", PLUGIN).__mro__[1] is first


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("def f(:\n", "not valid Python"),
        ("x = 1\n", "holds no method"),
        ("class A:\n    card = Card(NAME, 'T')\n", "card's name must be a literal"),
        (a_card("m", ", cost='a lot'"), "card's cost must be a literal float"),
        (a_card() + a_card().replace("Mine", "Twin"), 'two methods are called "mine"'),
    ],
)
def test_plugins_that_cannot_be_read(tmp_path: Path, body: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        registry.names(plugin(tmp_path, body))


def test_a_missing_plugin_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match=r"no plugin file nowhere.py"):
        registry.names("nowhere.py")


@pytest.mark.parametrize(
    ("head", "kind", "words"),
    [
        ("Card = dict\nimport no_such_package\n", Unavailable, "needs the package no_such_package"),
        ("from json import no_such\n", UsageError, "cannot be imported"),
        ("1 / 0\n", UsageError, "stopped while it was imported: ZeroDivisionError"),
        ("Card = lambda *a, **k: None\n", UsageError, "has a card but is no Method"),
    ],
)
def test_plugins_that_cannot_be_loaded(
    tmp_path: Path, head: str, kind: type[UsageError], words: str
) -> None:
    file = plugin(tmp_path, head + a_card())
    with pytest.raises(kind, match=words):
        registry.load("mine", file)
    if "lambda" not in head:
        assert not any(name.startswith("presight_plugin_own") for name in sys.modules)


def test_methods_of_other_packages_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "other_ssl"
    (package / "deep").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')\n")
    (package / "deep" / "mine.py").write_text(a_card("foreign"))
    info = tmp_path / "other_ssl-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other-ssl\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[presight.methods]\nmine = other_ssl.deep.mine\ngone = no_such_package.here\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    registry._installed.cache_clear()
    try:
        entry = registry.entry("foreign")
        assert (entry.module, entry.class_name) == ("other_ssl.deep.mine", "Mine")
        (package / "deep" / "mine.py").write_text("def f(:\n")
        registry._installed.cache_clear()
        with pytest.warns(UserWarning, match=r"other_ssl.deep.mine are left out"):
            assert "foreign" not in registry.names()
    finally:
        registry._installed.cache_clear()


def test_built_in_files_are_parsed_not_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = []
    real = ast.parse
    monkeypatch.setattr(ast, "parse", lambda text: parsed.append(1) or real(text))
    registry._read(Path(PLUGIN), "")
    assert parsed == [1]
