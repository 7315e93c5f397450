from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from presight.core import configuration, options, registry, yamlfile
from presight.core.options import MISSING, Option, Owners, split_without
from presight.core.plan import TrainPlan
from presight.core.settings import Settings
from presight.core.values import plain
from presight.errors import UsageError

PLUGIN = str(Path(__file__).parent.parent / "cli" / "plugin_methods.py")
METHODS = registry.names(PLUGIN)


def own(name: str) -> dict[str, Option]:
    return {option.name: option for option in options.of_method(registry.load(name, PLUGIN))}


def test_a_methods_options_are_the_keyword_only_part_of_its_constructor() -> None:
    found = own("toy-one")
    assert list(found) == ["heat", "sides", "kind", "sharp", "limit", "views"]
    heat = found["heat"]
    assert (heat.annotation, heat.default, heat.group) == (float, 0.1, "toy-one")
    assert heat.help == "divisor of the logits, above 0; lower values sharpen the distribution."
    assert heat.flag == "--heat"
    assert heat.brief() == "--heat (float, default 0.1)"
    assert found["sharp"].is_flag


def test_help_is_inherited_and_can_be_replaced() -> None:
    found = own("toy-two")
    assert found["heat"].help.startswith("divisor of the logits")
    assert found["heat"].default == 0.2
    assert found["queue_size"].help == "rows of the queue."


def test_help_of_the_nearest_class_counts() -> None:
    class Third(registry.load("toy-two", PLUGIN)):  # type: ignore[misc]
        """A third.

        Args:
            heat: hotter.
        """

    found = {option.name: option.help for option in options.of_method(Third)}
    assert found == {"heat": "hotter.", "queue_size": "rows of the queue."}


@pytest.mark.parametrize("kind", [Settings, TrainPlan])
def test_every_field_of_the_dataclasses_is_an_option_with_help(kind: type) -> None:
    found = options.of_dataclass(kind, "plan")
    assert [option.name for option in found] == [f.name for f in dataclasses.fields(kind)]
    assert all(option.help for option in found)
    assert {option.name: option.default for option in found} == {
        f.name: getattr(kind(), f.name) for f in dataclasses.fields(kind)
    }


@pytest.mark.parametrize("name", METHODS)
def test_every_option_of_every_method_has_a_default_and_help(name: str) -> None:
    for option in own(name).values():
        assert option.default is not MISSING, option.name
        assert option.help, option.name


@pytest.mark.parametrize("name", METHODS)
def test_two_options_of_one_command_never_share_a_name(name: str) -> None:
    found = options.of_pretraining(registry.load(name, PLUGIN))
    counts = Counter(option.flag for option in found)
    assert max(counts.values()) == 1


@pytest.mark.parametrize("name", METHODS)
def test_the_registry_reads_the_same_options_without_import(name: str) -> None:
    assert set(registry.entry(name, PLUGIN).options) == set(own(name))


@pytest.mark.parametrize("name", METHODS)
def test_the_round_trip_through_yaml_is_the_identity(name: str) -> None:
    card = registry.load(name, PLUGIN).card
    for preset in card.presets.values():
        chosen = {option.name: option.default for option in own(name).values()}
        flat = {key: plain(value) for key, value in {**chosen, **preset.options}.items()}
        values = options.take(own(name).values(), flat, Owners("test"))
        settings = Settings(method=name, plugin=PLUGIN, track=("wandb",), out="runs/a b")
        nested = configuration.nested("photos/", settings, preset.plan, values)
        back = configuration.flatten(yamlfile.parse(configuration.text(nested)))
        assert back.pop("data") == "photos/"
        split = options.split(**back)
        assert split.settings == settings
        assert TrainPlan(**split.plan) == preset.plan
        assert split.options == values


def test_a_method_may_not_take_a_name_of_plan_or_settings(monkeypatch: Any) -> None:
    def constructor(self: Any, encoders: Any, data: Any, *, epochs: int = 3) -> None:
        """Args: epochs: too many."""

    method = registry.load("toy-one", PLUGIN)
    monkeypatch.setattr(method, "__init__", constructor)
    with pytest.raises(UsageError, match="has an option epochs, which TrainPlan has too"):
        options.of_pretraining(method)


def test_catch_all_arguments_are_refused(monkeypatch: Any) -> None:
    def constructor(self: Any, encoders: Any, data: Any, **rest: int) -> None: ...

    method = registry.load("toy-one", PLUGIN)
    monkeypatch.setattr(method, "__init__", constructor)
    with pytest.raises(UsageError, match=r"takes \*\*rest: options must be named one by one"):
        options.of_method(method)


def test_verbs_have_subjects_and_options() -> None:
    def verb(first: str, *rest: str, size: int = 3, must: float) -> None:
        """Do.

        Args:
            first: one.
            rest: more.
            size, must: numbers.
        """

    found = options.of_function(verb)
    assert [(o.name, o.positional) for o in found] == [
        ("first", True),
        ("rest", True),
        ("size", False),
        ("must", False),
    ]
    assert [o.help for o in found] == ["one.", "more.", "numbers.", "numbers."]
    assert found[0].flag == "FIRST"
    assert found[1].annotation == tuple[str, ...]
    assert found[3].default is MISSING


def test_what_python_takes_by_either_is_an_option_where_it_has_a_default() -> None:
    def verb(run: str | Path, labels: str | Path = "", /, test: str = "", *, seed: int = 0) -> None:
        """Do."""

    kinds = {option.flag: option.positional for option in options.of_function(verb)}
    assert kinds == {"RUN": True, "LABELS": True, "--test": False, "--seed": False}
    assert options.of_function(verb)[0].brief() == "RUN (text)"


def test_what_a_verb_hands_back_may_be_known_to_type_checkers_alone() -> None:
    def verb(run: str) -> Nowhere:  # type: ignore[name-defined]  # noqa: F821
        """Do."""

    assert [option.name for option in options.of_function(verb)] == ["run"]


def test_arguments_of_a_docstring() -> None:
    text = """One line.

    Args:
        one: begins
            and goes on: to here.
        two, three: both
        four (int): typed.

    Returns:
        five: not an argument.
    """
    assert options.arguments(text) == {
        "one": "begins and goes on: to here.",
        "two": "both",
        "three": "both",
        "four": "typed.",
    }
    assert options.arguments(None) == {}
    assert options.arguments("Nothing here.") == {}


def test_split_sorts_options_to_their_owners() -> None:
    split = options.split(
        method="toy-two", plugin=PLUGIN, epochs="5", heat="0.3", out="runs/a", queue_size=8
    )
    assert split.settings == Settings(method="toy-two", plugin=PLUGIN, out="runs/a")
    assert split.plan == {"epochs": 5.0}
    assert split.options == {"heat": 0.3, "queue_size": 8}


def test_split_takes_simclr_by_default() -> None:
    assert options.split().settings.method == "simclr"
    assert options.split(temperature=0.2).options == {"temperature": 0.2}


@pytest.mark.parametrize(
    ("flat", "message"),
    [
        (
            {"haet": 1},
            "unknown option --haet for method toy-one. Did you mean --heat (float, default 0.1)?",
        ),
        (
            {"method.heat": 1},
            "unknown option --method.heat for method toy-one. "
            "Did you mean --heat (float, default 0.1)?",
        ),
        (
            {"batch-szie": 1},
            "unknown option --batch-szie for method toy-one. "
            "Did you mean --batch-size (int, default 256)?",
        ),
        ({"queue_size": 1}, "--queue-size belongs to toy-two, not toy-one."),
        (
            {"qqqq": 1},
            "unknown option --qqqq for method toy-one. "
            "See: presight pretrain --method toy-one --help",
        ),
        ({"heat": "hot"}, "--heat is 'hot'; expected float."),
        ({"epochs": None}, "--epochs is none; expected float."),
        ({"batch_size": "auto"}, "--batch-size is 'auto'; expected int."),
    ],
)
def test_messages(flat: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        options.split(method="toy-one", plugin=PLUGIN, **flat)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, "none"), ("", "none"), ((), "none"), ((1, 2), "1,2"), (True, "true"), (0.5, "0.5")],
)
def test_defaults_as_help_prints_them(value: object, expected: str) -> None:
    assert options.shown(value) == expected


def test_options_of_a_method_whose_code_is_not_at_hand_stay_as_written() -> None:
    found = split_without(method="gone", epochs="3", seed=2, views={"name": "x"}, eps="0.5")
    assert found.settings == Settings(method="gone")
    assert found.plan == {"epochs": 3.0, "seed": 2}
    assert found.options == {"views": {"name": "x"}, "eps": "0.5"}
    with pytest.raises(UsageError, match="--keep"):
        split_without(method="gone", keep="many")
