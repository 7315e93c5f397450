from __future__ import annotations

import dataclasses
import subprocess
import sys

import pytest
import yaml

from presight import views
from presight.errors import UsageError
from presight.views.pairs import SimCLRPair


def test_every_name_gives_a_sized_recipe_that_knows_its_name_and_keys() -> None:
    for name in views.names():
        recipe = views.recipe(name, size=32)
        assert recipe.name == name
        assert recipe.size == 32
        assert recipe.keys
        assert hash(recipe) == hash(views.recipe(name, size=32))
        unset = [f.name for f in dataclasses.fields(recipe) if getattr(recipe, f.name) is None]
        assert not unset


def test_options_survive_yaml() -> None:
    for name in views.names():
        for recipe in (views.recipe(name, size=96), views.recipe_class(name)()):
            text = yaml.safe_dump(views.to_options(recipe))
            assert views.from_options(yaml.safe_load(text)) == recipe


def test_missing_options_take_their_defaults() -> None:
    made = views.from_options({"name": "simclr", "strength": 1, "scale": [0.2, 1]})
    assert made == SimCLRPair(strength=1.0, scale=(0.2, 1.0))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"name": "simlcr"}, "simlcr.*simclr"),
        ({"strength": 1.0}, "name = None"),
        ({"name": "simclr", "strenght": 1.0}, "strenght.*strength"),
        ({"name": "simclr", "strength": "much"}, "strength = 'much'.*a number"),
        ({"name": "simclr", "strength": True}, "strength = True.*a number"),
        ({"name": "simclr", "scale": [0.2]}, "scale = .*list of 2"),
        ({"name": "simclr", "scale": 0.2}, "scale = 0.2.*list of 2"),
        ({"name": "simclr", "scale": [0.0, 1.0]}, "scale = .*above 0"),
        ({"name": "simclr", "scale": [0.5, 0.2]}, "scale = .*smaller one first"),
        ({"name": "simclr", "scale": [0.5, 1.2]}, "scale = .*at most 1"),
        ({"name": "simclr", "flip": 1.5}, "flip = 1.5.*between 0 and 1"),
        ({"name": "simclr", "blur": [0.5, -0.5]}, "blur = .*between 0 and 1"),
        ({"name": "simclr", "rotation": -3.0}, "rotation = -3.0.*0 or more"),
        ({"name": "simclr", "size": 32.5}, "size = 32.5.*whole number"),
        ({"name": "simclr", "executor": "fast"}, "executor = 'fast'.*one of"),
        ({"name": "simclr", "gray": None}, "gray = None.*a number"),
        ({"name": "patches", "standardize": 1}, "standardize = 1.*true or false"),
    ],
)
def test_wrong_options_are_refused_by_name(options: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        views.from_options(options)


def test_an_unsized_recipe_says_so() -> None:
    with pytest.raises(UsageError, match=r"size = 0.*sized"):
        SimCLRPair()(None, None)  # type: ignore[arg-type]


def test_names_need_no_torch() -> None:
    code = "import sys, presight.views as v; v.names(); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_unknown_attributes_are_refused() -> None:
    with pytest.raises(AttributeError, match="nothing"):
        _ = views.nothing
