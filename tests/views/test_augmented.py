from __future__ import annotations

import dataclasses
import math

import pytest
import torch

from presight import views
from presight.core.batch import Batch
from presight.core.draw import Draw
from presight.errors import UsageError
from presight.views.single import Crop

from .pictures import pictures


def _one(recipe: Crop, count: int = 4):
    batch = Batch.of(pictures(count, 24, 24))
    return recipe.sized(16).params(batch, Draw(0, 0, batch.index))


def test_steps_that_are_off_are_left_out() -> None:
    plain = _one(Crop(flip=0.0))
    assert {f.name for f in dataclasses.fields(plain) if getattr(plain, f.name) is not None} == {
        "boxes"
    }


def test_every_option_turns_its_step_on() -> None:
    for option, value, step in (
        ("jitter", 0.5, "jitter"),
        ("gray", 0.5, "gray"),
        ("blur", 0.5, "sigma"),
        ("solarize", 0.5, "solarize"),
        ("rotation", 5.0, "warp"),
        ("translation", 0.1, "warp"),
        ("zoom", (0.9, 1.1), "warp"),
        ("cutout", 0.5, "cutout"),
        ("rand_augment", 2, "rand_augment"),
    ):
        assert getattr(_one(Crop(**{option: value})), step) is not None, option


def test_one_option_does_not_change_the_draws_of_another() -> None:
    plain, full = _one(Crop()), _one(Crop(jitter=0.8, gray=0.2, blur=0.5, cutout=0.3))
    assert torch.equal(plain.boxes, full.boxes)
    assert torch.equal(plain.flip, full.flip)


def test_strength_multiplies_the_widths_and_hue_ends_at_a_half() -> None:
    strong = _one(Crop(jitter=1.0, strength=5.0, color=(0.1, 0.1, 0.1, 0.2)), 2000).jitter
    assert strong is not None
    assert 1.45 < strong.brightness.max() <= 1.5
    assert 0.49 < strong.hue.max() <= 0.5


@pytest.mark.parametrize(
    ("name", "option", "value", "words"),
    [
        ("crop", "gray", 1.1, "0 to 1"),
        ("crop", "zoom", (0.0, 1.0), "above 0"),
        ("crop", "sigma", (2, 1), "smaller one first"),
        ("crop", "cutout", -0.1, "0 or more"),
        ("crop", "cutout", math.inf, "0 or more"),
        ("crop", "strength", math.nan, "0 or more"),
        ("crop", "scale", (0.5, 1.2), "above 0 to 1"),
        ("crop", "magnitude", 31.0, "0 to 30"),
        ("simclr", "blur", (0.5, -0.5), "0 to 1"),
        ("swav", "small_size", 0, "1 or more"),
        ("swav", "small_scale", (0.0, 0.1), "above 0 to 1"),
        ("patches", "grid", 0, "1 or more"),
        ("masked", "patch", 0, "1 or more"),
        ("masked", "share", 1.5, "0 to 1"),
        ("pad-crop", "pad", -1, "0 or more"),
        ("noisy", "noise", -0.1, "0 or more"),
    ],
)
def test_values_out_of_range_are_refused(name: str, option: str, value: object, words: str) -> None:
    with pytest.raises(UsageError, match=rf"views {name}: {option} = .*{words}"):
        views.recipe_class(name)(**{option: value})
