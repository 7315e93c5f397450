"""A configuration is written as plain numbers, read back as it was, and goes on under a command."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import torch

from presight import methods
from presight.core import configuration as layout
from presight.core import registry, yamlfile
from presight.core.options import of_pretraining, split
from presight.core.plan import TrainPlan
from presight.core.settings import Settings
from presight.core.values import plain
from presight.data.scenes import Scenes
from presight.errors import IntegrityError, RunError
from presight.pretraining import configuration as module
from presight.pretraining.configuration import (
    MAY_CHANGE,
    Configuration,
    card_of_method,
    entry_of_method,
)
from presight.pretraining.configure import configure, of_length
from presight.restore import build_method
from presight.store.folder import RunFolder

NAMES = {
    option.name
    for name in methods.names()
    for option in of_pretraining(registry.load(name))
    if option.name != "method"
}
"""Every option that there is."""


def made(**flat: Any) -> Configuration:
    """Of a few scenes, without an accelerator."""
    parts = split(**flat)
    source = Scenes(640, size=40)
    return configure("scenes:640", source, parts.settings, parts.plan, parts.options, "cpu", "fp32")


def written(config: Configuration, path: Path) -> RunFolder:
    folder = RunFolder(path)
    path.mkdir(exist_ok=True)
    config.write(folder)
    return folder


@pytest.mark.parametrize("name", methods.names())
def test_writing_and_reading_is_the_identity(name: str, tmp_path: Path) -> None:
    config = made(method=name, betas=(0.8, 0.99), seed=3, track=("tensorboard",), minutes=2)
    read = Configuration.read(written(config, tmp_path))
    assert read == dataclasses.replace(config, requested=plain(config.requested))
    assert read.origin == config.origin


def test_a_run_keeps_what_it_was_configured_to(finished: Path, tmp_path: Path) -> None:
    read = Configuration.read(RunFolder(finished))
    again = written(read, tmp_path)
    assert yamlfile.read(again.config) == yamlfile.read(finished / "config.yaml")
    assert again.data.read_bytes() == (finished / "data.json").read_bytes()


def test_each_value_says_where_it_comes_from(finished: Path) -> None:
    config = Configuration.read(RunFolder(finished))
    flat = layout.flatten(yamlfile.read(finished / "config.yaml"))
    decided = {f.name for kind in (Settings, TrainPlan) for f in dataclasses.fields(kind)}
    assert flat.keys() & decided <= config.origins.keys()
    assert "seed: 0  # default\n" in (finished / "config.yaml").read_text()
    assert config.origins["epochs"] == "user"
    assert config.origins["image_size"].startswith("auto: 16")
    assert config.origins["keep"] == "default"


def test_defaults_are_what_an_empty_command_would_have_had(tmp_path: Path) -> None:
    """By the preset, like the values beside them, but that auto is not looked up."""
    given = {"temperature": 0.5, "out": "a", "lr": 0.125, "keep": 7}
    held = layout.flatten(yamlfile.read(written(made(**given), tmp_path / "a").config))
    usual = layout.flatten(yamlfile.read(written(made(), tmp_path / "b").config))
    defaults = Configuration.read(RunFolder(tmp_path / "a")).defaults
    assert defaults.keys() == held.keys() - {"data"}
    differ = {name for name in defaults if defaults[name] != held[name]}
    looked_up = {name for name in defaults if defaults[name] != usual[name]}
    assert differ - looked_up == given.keys() - looked_up
    assert {"workers", "batch_size"} < looked_up
    assert not {"temperature", "views", "lr", "keep"} & looked_up


def test_orders_are_not_saved_as_part_of_the_run(tmp_path: Path) -> None:
    config = made(quiet=True, json=True, overwrite=True, accept_data_change=True)
    flat = layout.flatten(yamlfile.read(written(config, tmp_path).config))
    assert not set(layout.ORDERS) & flat.keys()


def test_the_origin_builds_at_the_size_of_the_views() -> None:
    config = made(image_size=24, method="vae", seed=5)
    origin = config.origin
    assert (origin.image_size, origin.seed, origin.method) == (24, 5, "vae")
    assert json.loads(json.dumps(dataclasses.asdict(origin))) == dataclasses.asdict(origin)


@pytest.mark.parametrize("name", sorted(NAMES - MAY_CHANGE))
def test_what_decides_the_result_cannot_change(name: str, tmp_path: Path) -> None:
    config = made(method="rotation")
    with pytest.raises(RunError) as caught:
        config.resumed(
            "scenes:640", config.settings, {"method": "rotation", name: "x"}, RunFolder("runs/a")
        )
    message = str(caught.value)
    assert caught.value.exit_code == 6
    assert f"{name} | not given | x. {name} cannot change on resume" in message
    assert "--out runs/a2" in message
    assert "--init runs/a" in message


@pytest.mark.parametrize("name", sorted(MAY_CHANGE - {"epochs"}))
def test_what_steers_may_change(name: str) -> None:
    assert name in NAMES
    config = made()
    config.resumed("scenes:640", config.settings, {name: "x"}, RunFolder("runs/a"))


def test_other_data_another_method_and_an_option_left_out_are_changes() -> None:
    config, folder = made(method="rotation", seed=3), RunFolder("runs/a")
    given: dict[str, Any] = {"method": "rotation", "seed": 3}
    config.resumed("scenes:640", config.settings, given, folder)
    with pytest.raises(RunError, match=r"data \| scenes:640 \| photos/"):
        config.resumed("photos/", config.settings, given, folder)
    with pytest.raises(RunError, match=r"method \| rotation \| vae; seed \| 3 \| 4"):
        config.resumed("scenes:640", config.settings, {"method": "vae", "seed": 4}, folder)
    with pytest.raises(RunError, match=r"seed \| 3 \| not given"):
        config.resumed("scenes:640", config.settings, {"method": "rotation"}, folder)


def test_the_same_command_goes_on_after_reading(tmp_path: Path) -> None:
    """Tuples are lists in JSON: neither is a change."""
    folder = written(made(betas=(0.8, 0.99), track=("tensorboard",)), tmp_path)
    requested = {"betas": (0.8, 0.99), "track": ("tensorboard",)}
    settings = Settings(track=("tensorboard",))
    resumed = Configuration.read(folder).resumed("scenes:640", settings, requested, folder)
    assert resumed.plan.betas == (0.8, 0.99)


def test_new_values_count_and_all_others_stay() -> None:
    config = made(epochs=3, seed=1)
    settings = Settings(keep=7, checkpoint_minutes=1.5, device="cpu", image_size="auto")
    given = {"epochs": 9.0, "keep": 7, "seed": 1}
    found = config.resumed("scenes:640", settings, given, RunFolder("runs/a"))
    assert found.plan == dataclasses.replace(config.plan, epochs=9.0)
    expected = dataclasses.replace(config.settings, keep=7, checkpoint_minutes=1.5, device="cpu")
    assert found.settings == expected
    assert found.plan.warmup_epochs == config.plan.warmup_epochs == 0.3  # its updates are made
    assert found.spec == dataclasses.replace(config.spec, epochs=9.0)
    assert found.options == config.options
    assert found.origins == {**config.origins, "keep": "user"}
    assert found.requested == {"epochs": 9.0, "keep": 7, "seed": 1}


def test_on_another_device_the_executor_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    parts, source = split(method="simclr"), Scenes(640, size=40)
    begun = configure("scenes:640", source, parts.settings, {}, {}, "cuda", "bf16")
    monkeypatch.setattr(module, "pick_device", lambda name: torch.device("cpu"))
    found = begun.resumed("scenes:640", Settings(), {}, RunFolder("runs/a"))
    assert (begun.settings.device, found.settings.device) == ("cuda", "cpu")
    assert found.origins["device"] == "auto: cpu, because there is no accelerator"
    assert found.options["views"].executor == "batched"
    assert build_method(found.origin).views == begun.options["views"]


def test_workers_stay_a_number() -> None:
    config = made(workers=3)
    auto = config.resumed("scenes:640", Settings(), {}, RunFolder("runs/a"))
    assert auto.settings.workers == 3
    more = config.resumed("scenes:640", Settings(workers=5), {"workers": 5}, RunFolder("runs/a"))
    assert more.settings.workers == 5


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("config.yaml", None),
        ("config.yaml", "- 1\n"),
        ("config.yaml", "data: x\nhaet: 1\n"),
        ("config.yaml", "layout: 1\n"),
        ("data.json", None),
        ("data.json", "{"),
        ("data.json", "{}"),
        ("data.json", "[]"),
    ],
)
def test_damage_is_told(file: str, text: str | None, tmp_path: Path) -> None:
    folder = written(made(), tmp_path)
    if text is None:
        (tmp_path / file).unlink()
    else:
        (tmp_path / file).write_text(text)
    with pytest.raises(IntegrityError, match=r"the configuration of .* cannot be read") as caught:
        Configuration.read(folder)
    assert caught.value.exit_code == 7
    assert str(tmp_path) in str(caught.value)


def test_a_time_budget_is_not_told_as_epochs() -> None:
    config = made(minutes=7)
    assert config.lines(card_of_method(config), "1 x cpu", "fp32")[2].startswith(
        "schedule  what fits 7 minutes, batch "
    )
    solved = of_length(config, 2.5, "auto: fit 7 minutes on this machine")
    assert "2.5 epochs" in solved.lines(card_of_method(solved), "1 x cpu", "fp32")[2]


def test_lines_say_the_numbers() -> None:
    config = made(method="rotation", epochs=2, batch_size=32, lr=0.08)
    head, data, schedule, *resolved = config.lines(card_of_method(config), "1 x cpu", "fp32")
    assert head.startswith("Rotation (RotNet) (")
    assert head.endswith("resnet9:16, 32 px, fp32, 1 x cpu")
    assert "640 images of scenes:640" in data
    assert "2 epochs, batch 32, 40 updates" in schedule
    assert f"learning rate {config.plan.peak_lr():.4g}" in schedule
    autos = [key for key, why in config.origins.items() if why.startswith("auto: ")]
    assert len(resolved) == len(autos)
    for key, line in zip(autos, resolved, strict=True):
        assert line.split()[:2] == ["auto", key.replace("_", "-")]


def test_a_run_keeps_its_plugin_and_is_read_without_running_it(tmp_path: Path) -> None:
    plugin = tmp_path / "mine.py"
    plugin.write_text((Path(__file__).parents[2] / "examples" / "my_method.py").read_text())
    config = made(method="agree-and-spread", plugin=str(plugin), eps=0.25)
    folder = written(config, tmp_path / "run")
    assert folder.plugin.read_bytes() == plugin.read_bytes()
    plugin.unlink()
    folder.plugin.write_text(folder.plugin.read_text() + "\nraise SystemExit\n")
    read = Configuration.read(folder)
    assert (read.plan, read.spec, read.settings.plugin) == (config.plan, config.spec, "")
    assert read.options == plain(config.options)
    assert entry_of_method(read, folder).title == "Agree and spread"


def test_a_run_read_with_its_plugin_has_its_options_by_type(tmp_path: Path) -> None:
    plugin = str(Path(__file__).parents[2] / "examples" / "my_method.py")
    config = made(method="agree-and-spread", plugin=plugin)
    folder = written(config, tmp_path)
    assert Configuration.read(folder, plugin) == dataclasses.replace(
        config, requested=plain(config.requested)
    )
    assert Configuration.read(folder, str(folder.plugin)).options == config.options


def test_a_method_of_presight_leaves_no_copy(tmp_path: Path) -> None:
    folder = written(made(method="rotation"), tmp_path)
    assert not folder.plugin.exists()
