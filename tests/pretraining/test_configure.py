"""From a command to plain numbers: presets under the user's options, auto resolved once."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

import numpy as np
import pytest

from presight import methods, views
from presight.core import automatic, registry, world
from presight.core.method import Card, Preset
from presight.core.options import split
from presight.core.plan import TrainPlan
from presight.core.recipe import Recipe
from presight.core.settings import Settings
from presight.core.values import plain
from presight.core.values import recipe as recipe_of
from presight.data.scenes import Scenes
from presight.errors import DataError, UsageError
from presight.pretraining import configure as module
from presight.pretraining.configuration import Configuration
from presight.pretraining.configure import configure, of_length, pick_preset, warnings
from presight.views.pairs import SimCLRPair

SIDE, COUNT = 40, 640


def resolved(device: str = "cpu", count: int = COUNT, **flat: Any) -> Configuration:
    parts = split(**flat)
    source = Scenes(count, size=SIDE)
    return configure(
        f"scenes:{count}", source, parts.settings, parts.plan, parts.options, device, "fp32"
    )


@pytest.mark.parametrize("device", ["cpu", "cuda"])
@pytest.mark.parametrize("name", methods.names())
def test_no_auto_is_left_in_what_decides(name: str, device: str) -> None:
    found = resolved(device, method=name)
    left = [key for key, value in vars(found.settings).items() if value == "auto"]
    # A place of this machine, and how often a person is told: they decide nothing.
    assert left == ["cache_dir", "monitor_every"]
    assert (found.settings.device, found.settings.preset) == (device, "32")
    assert "auto" not in vars(found.plan).values()
    assert "auto" not in found.options.values()
    recipes = [value for value in found.options.values() if isinstance(value, Recipe)]
    assert recipes
    for recipe in recipes:
        assert recipe.executor == ("per-image" if device == "cpu" else "batched")
        assert recipe == recipe.sized(found.spec.image_size)
        assert None not in vars(recipe).values()


@pytest.mark.parametrize("size", [32, 64, 224])
@pytest.mark.parametrize("name", views.names())
def test_a_recipe_in_plain_numbers_is_what_runs(name: str, size: int) -> None:
    """Methods size their recipes again, and a saved recipe is read back."""
    sized = views.recipe(name, size=size)
    assert sized.sized(size) == sized
    assert recipe_of(plain(sized), "--views", own=type(sized)) == sized


def test_an_executor_that_is_given_stays() -> None:
    given = SimCLRPair(executor="batched", strength=0.25)
    found = resolved(method="simclr", views=given).options["views"]
    assert found == SimCLRPair(size=32, executor="batched", strength=0.25, blur=(0.0, 0.0))


@pytest.mark.parametrize("given", [{}, {"precision": "auto"}])
def test_device_preset_and_precision_say_why_they_are_what_they_are(given: Any) -> None:
    found = resolved(method="simclr", **given)
    assert found.origins["device"] == "auto: cpu, because there is no accelerator"
    assert found.origins["preset"] == "auto: 32: for views of 32 pixels"
    assert found.origins["precision"].startswith("auto: fp32: ")
    told = resolved(method="simclr", precision="fp32", preset="32")
    assert [told.origins[k] for k in ("precision", "preset")] == ["user"] * 2
    named = configure(
        "scenes:640", Scenes(640, size=40), Settings(device="cuda:1"), {}, {}, "cuda", "bf16"
    )
    assert (named.settings.device, named.origins["device"]) == ("cuda:1", "user")


def test_auto_on_a_processor_in_closed_form(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 5)
    found = resolved(method="simclr")
    settings = found.settings
    assert (settings.image_size, settings.backbone, settings.stem) == (32, "resnet9:16", "standard")
    assert (settings.cache_side, settings.workers, settings.minutes) == (56, 4, 30.0)
    assert found.plan.batch_size == 32  # the power of two that leaves 16 updates of 640 images
    assert found.spec.updates_per_epoch == COUNT // 32
    assert (found.spec.n_samples, found.spec.image_size) == (COUNT, 32)
    assert found.plan.precision == "fp32"


def test_auto_with_an_accelerator(monkeypatch: pytest.MonkeyPatch) -> None:
    found = resolved("cuda", method="simclr")
    assert (found.settings.backbone, found.settings.stem) == ("resnet18", "small")
    assert found.settings.minutes == 0
    assert found.plan.epochs == automatic.epochs(COUNT).value
    assert found.origins["epochs"].startswith("auto: ")
    assert resolved("cuda", image_size=64).settings.stem == "standard"


def test_what_is_given_is_taken() -> None:
    given: dict[str, Any] = {
        "image_size": 24,
        "backbone": "resnet34",
        "stem": "standard",
        "workers": 2,
        "cache_side": 33,
        "minutes": 7.0,
        "batch_size": 20,
        "lr": 0.5,
        "temperature": 0.25,
    }
    found = resolved(**given)
    for name, value in given.items():
        holder = found.settings if hasattr(found.settings, name) else found.plan
        taken = found.options[name] if name == "temperature" else getattr(holder, name)
        assert taken == value
        assert found.origins[name] == "user"
    assert found.requested == given


@pytest.mark.parametrize(
    ("optimizer", "lr", "scaling"),
    [("sgd", 0.06, "linear"), ("lars", 0.3, "linear"), ("adam", 1e-3, "sqrt")],
)
def test_another_optimizer_brings_its_rate_and_scaling(
    optimizer: str, lr: float, scaling: str
) -> None:
    before = resolved(method="bigan").plan  # adam, at a rate that is not scaled
    found = resolved(method="bigan", optimizer=optimizer)
    same = optimizer == before.optimizer
    expected = (before.lr, before.lr_scaling) if same else (lr, scaling)
    assert (found.plan.lr, found.plan.lr_scaling) == expected
    for name in ("lr", "lr_scaling"):
        assert found.origins[name].startswith("preset" if same else "auto: ")
    given = resolved(method="bigan", optimizer=optimizer, lr=0.7, lr_scaling="none")
    assert (given.plan.lr, given.plan.lr_scaling) == (0.7, "none")
    assert given.origins["lr"] == given.origins["lr_scaling"] == "user"


def test_adamw_instead_of_the_preset_s_sgd() -> None:
    found = resolved(method="moco-v2", optimizer="adamw", batch_size=64).plan
    assert found.peak_lr() == pytest.approx(1e-3 / 2)


def test_a_length_that_is_given_needs_no_budget() -> None:
    found = resolved(epochs=3)
    assert found.settings.minutes == 0
    assert found.spec.epochs == found.plan.epochs == 3
    assert found.origins["epochs"] == "user"


def test_the_preset_goes_by_the_size_of_the_views_unless_named() -> None:
    card = registry.load("simclr").card
    small, large = resolved(method="simclr"), resolved(method="simclr", preset="imagenet")
    for found, preset in ((small, card.preset(32)), (large, card.presets["imagenet"])):
        assert found.plan.lr == preset.plan.lr
        assert found.plan.optimizer == preset.plan.optimizer
        assert {**found.options, **preset.options} == found.options
    assert (small.plan.lr, small.plan.optimizer) != (large.plan.lr, large.plan.optimizer)
    assert "preset" in large.origins["optimizer"]


def test_a_preset_that_is_not_there() -> None:
    words = ("bare", "Bare", "pretext", "nobody", 2020, "tests")
    one = Card(*words, presets={"32": Preset(TrainPlan())})
    assert pick_preset(one, "32", 224) is one.presets["32"]
    with pytest.raises(UsageError, match=r"bare has no preset 96; it has 32\."):
        pick_preset(one, "96", 32)
    with pytest.raises(UsageError, match=r"bare has no preset 96; it has none\."):
        pick_preset(Card(*words), "96", 32)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"batch_size": 641}, "--batch-size 641 does not fit 640 images; take 2 to 640."),
        ({"batch_size": 1}, "--batch-size 1 does not fit"),
        ({"batch_size": 30, "accumulate": 4}, "cannot be cut into 1 processes"),
        ({"batch_size": 4, "accumulate": 4}, "parts of 2 images or more"),
        ({"accumulate": 0}, "--accumulate 0"),
        ({"epochs": 0}, "--epochs 0: a number above 0 was expected."),
        ({"epochs": -1}, "--epochs -1"),
        ({"backbone": "resnet81"}, "no backbone 'resnet81'"),
    ],
)
def test_options_that_do_not_fit(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError) as caught:
        resolved(**options)
    assert words in str(caught.value)
    assert caught.value.exit_code == 2


def test_every_process_gets_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world, "size", lambda: 3)
    assert resolved().plan.batch_size == 30  # 32 in three equal shares
    with pytest.raises(UsageError, match="cannot be cut into 3 processes"):
        resolved(batch_size=32)


def test_no_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Scenes, "__len__", lambda self: 0)
    with pytest.raises(DataError, match=r"no images in scenes:640\."):
        resolved()


def test_the_size_follows_the_images(monkeypatch: pytest.MonkeyPatch) -> None:
    short = np.array([100] * 8 + [300] * 92)
    monkeypatch.setattr(module, "source_sizes", lambda source: np.stack([short + 50, short], 1))
    assert resolved("cuda").settings.image_size == 224
    assert resolved("cpu").settings.image_size == 64
    assert "no accelerator" in resolved("cpu").origins["image_size"]


def test_a_short_run_warms_up_for_a_tenth_unless_told() -> None:
    preset = registry.load("simclr").card.preset(32).plan.warmup_epochs
    assert preset > 0.3
    found = resolved(epochs=3)
    assert found.plan.warmup_epochs == pytest.approx(0.3)
    assert found.origins["warmup_epochs"].startswith("auto: 0.3")
    assert resolved(epochs=3, warmup_epochs=2).plan.warmup_epochs == 2
    assert resolved(epochs=100 * preset).plan.warmup_epochs == preset


def test_a_solved_length_is_what_the_method_is_told() -> None:
    found = resolved(minutes=5)
    solved = of_length(found, 2.5, "auto: fit 5 minutes")
    assert (solved.plan.epochs, solved.spec.epochs) == (2.5, 2.5)
    assert solved.origins["epochs"] == "auto: fit 5 minutes"
    assert found.origins["epochs"] == "replaced by what fits 5 minutes, once measured"
    assert dataclasses.replace(solved.spec, epochs=found.spec.epochs) == found.spec


def test_every_setting_and_number_of_the_plan_has_an_origin() -> None:
    origins = resolved(lr=0.5).origins
    expected = {f.name for kind in (Settings, TrainPlan) for f in dataclasses.fields(kind)}
    assert expected - origins.keys() == set()


def test_few_images_are_warned_of() -> None:
    assert warnings(resolved(count=200)) == []
    (text,) = warnings(resolved(count=199))
    assert text.startswith("only 199 images: ")
    assert text.endswith("batch set to 16.")
