from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

from presight.core import values
from presight.core.recipe import Recipe
from presight.errors import UsageError
from presight.views import catalogue


@dataclass(frozen=True)
class Inner:
    width: int = 3
    rate: float = 0.5


TAKEN: list[tuple[Any, Any, Any]] = [
    ("0.1", float, 0.1),
    ("1e-4", float, 1e-4),
    ("8/255", float, 8 / 255),
    (3, float, 3.0),
    ("7", int, 7),
    ("1e2", int, 100),
    (96.0, int, 96),
    ("true", bool, True),
    ("off", bool, False),
    (True, bool, True),
    ("runs/a", str, "runs/a"),
    ("auto", int | Literal["auto"], "auto"),
    ("64", int | Literal["auto"], 64),
    (64, int | Literal["auto"], 64),
    ("96", Literal["auto", "96"], "96"),
    (96, Literal["auto", "96"], "96"),
    (None, float | None, None),
    ("none", float | None, None),
    ("0.5", float | None, 0.5),
    ("none", str | None, None),
    ("a", str | None, "a"),
    ("scenes:9?a//b/", str | Path, "scenes:9?a//b/"),
    ("0.9,0.95", tuple[float, float], (0.9, 0.95)),
    ("(1, 2)", tuple[int, int], (1, 2)),
    ([1, 2], tuple[int, int], (1, 2)),
    ("", tuple[int, ...], ()),
    ("5", tuple[int, ...], (5,)),
    (5, tuple[int, ...], (5,)),
    ([], tuple[int, ...], ()),
    ([[1, 2], [3, 4]], tuple[tuple[int, int], ...], ((1, 2), (3, 4))),
    ("a,b", tuple[Literal["a", "b"], ...], ("a", "b")),
    ({"width": 5}, Inner, Inner(5)),
    (Inner(7), Inner, Inner(7)),
]


@pytest.mark.parametrize(("value", "annotation", "expected"), TAKEN)
def test_values_that_are_taken(value: Any, annotation: Any, expected: Any) -> None:
    result = values.coerce(value, annotation, "--x")
    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(("value", "annotation", "expected"), TAKEN)
def test_plain_data_comes_back(value: Any, annotation: Any, expected: Any) -> None:
    assert values.coerce(values.plain(expected), annotation, "--x") == expected


REFUSED: list[tuple[Any, Any, str]] = [
    ("abc", float, "--x is 'abc'; expected float."),
    ("nan", float, "--x is 'nan'; expected float."),
    (math.inf, float, "--x is inf; expected float."),
    ("1/0", float, "--x is '1/0'; expected float."),
    (True, float, "--x is True; expected float."),
    ("1.5", int, "--x is '1.5'; expected int."),
    (True, int, "--x is True; expected int."),
    ("maybe", bool, "--x is 'maybe'; expected true or false."),
    (1, bool, "--x is 1; expected true or false."),
    (5, str, "--x is 5; expected text."),
    (None, str, "--x is none; expected text."),
    ("small", int | Literal["auto"], "--x is 'small'; expected int or auto."),
    ("c", Literal["a", "b"], "--x is 'c'; expected a or b."),
    (True, Literal["True"], "--x is True; expected True."),
    ("1", tuple[float, float], "--x is '1'; expected float,float."),
    ("1,2,3", tuple[float, float], "--x is '1,2,3'; expected float,float."),
    ("1,a", tuple[int, ...], "--x is '1,a'; expected int, several with commas."),
    ("x", Inner, "--x is 'x'; expected Inner."),
    ({"width": "a"}, Inner, "--x.width is 'a'; expected int."),
    ({"depth": 1}, Inner, "--x has no field depth. Its fields: width, rate."),
]


@pytest.mark.parametrize(("value", "annotation", "message"), REFUSED)
def test_values_that_are_refused(value: Any, annotation: Any, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        values.coerce(value, annotation, "--x")
    assert str(caught.value) == message


def test_types_that_no_option_can_hold_are_a_fault_of_the_program() -> None:
    with pytest.raises(TypeError, match="no option can hold"):
        values.coerce("a", set[int], "--x")
    with pytest.raises(TypeError, match="cannot stand in a configuration"):
        values.plain({1, 2})


@pytest.mark.parametrize("name", catalogue.names())
def test_every_recipe_survives_the_round_trip(name: str) -> None:
    recipe = catalogue.recipe_class(name)()
    data = values.plain(recipe)
    assert data["name"] == name
    assert values.coerce(data, Recipe, "--views") == recipe
    sized = recipe.sized(96)
    assert values.coerce(values.plain(sized), Recipe, "--views") == sized


def test_a_recipe_by_name_leaves_its_size_open() -> None:
    """What a recipe fills in by size must not be filled in for size 0."""
    assert values.coerce("simclr", Recipe, "--views") == catalogue.recipe_class("simclr")()


def test_a_recipe_that_may_be_left_out() -> None:
    assert values.coerce(None, Recipe | None, "--views") is None
    assert values.coerce("flip", Recipe | None, "--views").name == "flip"


def test_a_recipe_of_a_plugin_goes_by_its_own_name() -> None:
    own = type("Own", (catalogue.recipe_class("flip"),), {"name": "own"})
    assert type(values.recipe({"name": "own", "flip": 0.25}, "--views", own)) is own
    assert values.recipe("center", "--views", own).name == "center"


def test_a_recipe_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "weak.yaml"
    file.write_text("name: simclr\nscale: [0.5, 1]\n")
    recipe = values.coerce(str(file), Recipe, "--views")
    assert recipe.scale == (0.5, 1.0)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("simlcr", "simlcr"),
        ({"name": "simclr", "scael": 1}, "--views has no field scael. Its fields: "),
        ({"name": "simclr", "scale": "a"}, "--views.scale is 'a'; expected float,float"),
        ({"scale": [0, 1]}, "--views has no name"),
        (3, "--views is 3; expected recipe: a name or a YAML file"),
        ("nowhere.yaml", "cannot read nowhere.yaml"),
    ],
)
def test_recipes_that_are_refused(value: Any, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        values.coerce(value, Recipe, "--views")
    assert words in str(caught.value)
