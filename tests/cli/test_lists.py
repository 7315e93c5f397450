from __future__ import annotations

from pathlib import Path

from presight.cli import lists
from presight.core import registry
from presight.nn import catalog
from presight.views import catalogue

PLUGIN = str(Path(__file__).parent / "plugin_methods.py")


def test_every_method_has_a_row() -> None:
    head, *rows = lists.methods(PLUGIN)
    assert sorted(row[0] for row in rows) == registry.names(PLUGIN)
    toy = next(row for row in rows if row[0] == "toy-two")
    assert dict(zip(head, toy, strict=True)) == {
        "method": "toy-two",
        "title": "Toy Two",
        "family": "contrastive",
        "reference": "Doe et al., Elsewhere 2021",
        "cost": "1.5x",
        "backbone": "any",
    }


def test_methods_stand_by_family_and_year() -> None:
    entries = registry.entries(PLUGIN)
    keys = [(entries[row[0]].family, entries[row[0]].year) for row in lists.methods(PLUGIN)[1:]]
    assert keys == sorted(keys)


def test_every_backbone_has_a_row() -> None:
    rows = lists.backbones("")[1:]
    assert {row[0] for row in rows} >= set(catalog.names())
    assert ("resnet18", "torchvision") in rows
    assert ("resnet9:16", "presight") in rows


def test_every_recipe_has_a_row() -> None:
    assert {row[0] for row in lists.recipes("")[1:]} == set(catalogue.names())


def test_columns_are_aligned() -> None:
    assert lists.aligned([("a", "bb", "c"), ("aaa", "b", "")]) == ["a    bb  c", "aaa  b"]
