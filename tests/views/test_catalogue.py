from __future__ import annotations

import dataclasses
import subprocess
import sys

import pytest

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


def test_an_unsized_recipe_says_so() -> None:
    with pytest.raises(UsageError, match=r"size = 0.*sized"):
        SimCLRPair()(None, None)  # type: ignore[arg-type]


def test_names_need_no_torch() -> None:
    code = "import sys, presight.views as v; v.names(); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_unknown_attributes_are_refused() -> None:
    with pytest.raises(AttributeError, match="nothing"):
        _ = views.nothing
