from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import pytest

from presight.cli.verbs import VERBS
from presight.core import options, ranges, registry
from presight.core.plan import TrainPlan
from presight.core.settings import Settings
from presight.errors import UsageError

OPTIONS = itertools.chain(
    options.of_dataclass(Settings, "settings"),
    options.of_dataclass(TrainPlan, "plan"),
    *(options.of_function(verb) for verb in VERBS.values()),
)
DEFAULTS = [(option.name, option.default) for option in OPTIONS if option.name in ranges.RANGES]


def test_every_range_is_of_an_option_and_holds_its_defaults() -> None:
    assert {name for name, _ in DEFAULTS} == set(ranges.RANGES)
    for name, default in DEFAULTS:
        ranges.check(name, default, name)


@pytest.mark.parametrize("name", registry.names())
def test_every_preset_is_in_range(name: str) -> None:
    for preset in registry.load(name).card.presets.values():
        for key in ranges.RANGES.keys() & dataclasses.asdict(preset.plan).keys():
            ranges.check(key, getattr(preset.plan, key), key)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("image_size", 7, "--x is 7; expected a number from 8 to 4096."),
        ("image_size", -5, "--x is -5; expected"),
        ("lr", -1.0, "--x is -1.0; expected a number 0 or more."),
        ("momentum", 1.0, "--x is 1.0; expected a number from 0 to below 1."),
        ("betas", (0.9, 2.0), "--x is 2.0; expected a number from 0 to below 1."),
        ("milestones", (0.5, 1.5), "--x is 1.5; expected a number from 0 to 1."),
        ("milestones", (0.8, 0.6), "--x must ascend; received 0.8, 0.6."),
        ("seed", -1, "--x is -1; expected a number from 0 to 4294967295."),
        ("seed", 2**32, "--x is 4294967296; expected"),
        ("workers", 0, "--x is 0; expected a number from 1 to 1024."),
        ("max_bad_fraction", 2.0, "--x is 2.0; expected a number from 0 to 1."),
        ("final_weight_decay", -0.1, "--x is -0.1; expected a number 0 or more."),
    ],
)
def test_values_out_of_range(name: str, value: Any, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        ranges.check(name, value, "--x")
    assert str(caught.value).startswith(words)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("image_size", "auto"),
        ("image_size", 8),
        ("lr", 0.0),
        ("betas", (0.0, 0.999)),
        ("final_weight_decay", None),
        ("milestones", ()),
        ("unheard_of", -1),
    ],
)
def test_values_in_range(name: str, value: Any) -> None:
    ranges.check(name, value, "--x")


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        (ranges.Range(0, open_low=True), "above 0"),
        (ranges.Range(0, 1, open_low=True), "above 0 to 1"),
    ],
)
def test_words(bounds: ranges.Range, words: str) -> None:
    assert bounds.words() == words
    assert not bounds.holds(0)
    assert bounds.holds(1)


def test_of_several_options_the_first_that_is_out_of_range_is_named() -> None:
    ranges.check_options(min_side="auto", seed=0, unheard_of=-1)
    with pytest.raises(UsageError, match="--label-seeds is 0; expected a number 1 or more"):
        ranges.check_options(seed=0, label_seeds=0, neighbors=-1)


def test_options_are_checked_however_they_come() -> None:
    with pytest.raises(UsageError, match="--lr is -1"):
        options.split(lr="-1")
    with pytest.raises(UsageError, match="--seed is -1"):
        options.split(seed=-1)
