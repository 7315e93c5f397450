"""From files back to a method or a backbone."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from safetensors.torch import load_file

from presight import methods
from presight.core import registry
from presight.core.backbone import Backbone
from presight.core.batch import DataSpec
from presight.errors import DataError, IntegrityError, Unavailable, UsageError
from presight.nn import backbones
from presight.nn.native import ResNet9
from presight.restore import (
    Origin,
    WarmEncoders,
    build_method,
    load_backbone,
    origin_of,
    save_backbone,
    untrained_backbone,
)
from presight.store.tensors import save_tensors
from tinyruns import copied, finished

SPEC = dataclasses.asdict(DataSpec(64, 16, 16, 4, 1.0))
ORIGIN = Origin("resnet9:4", "auto", 16, "rotation", {}, SPEC, seed=3)


def same(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    here, there = one.state_dict(), other.state_dict()
    return here.keys() == there.keys() and all(torch.equal(here[k], there[k]) for k in here)


def test_a_run_folder_its_file_and_its_checkpoint_give_the_same_backbone(tmp_path: Path) -> None:
    bare = copied(tmp_path / "bare")
    (bare / "backbone.safetensors").unlink()
    from_folder = load_backbone(finished())
    assert not same(from_folder, untrained_backbone(origin_of(finished())))
    for where in (finished() / "backbone.safetensors", bare, str(finished())):
        assert same(from_folder, load_backbone(where))
        whole = dataclasses.replace(origin_of(Path(where)), ordinary=True)
        assert whole == origin_of(finished())


def test_it_is_a_plain_module() -> None:
    backbone = load_backbone(finished())
    assert isinstance(backbone, Backbone)
    assert not backbone.training
    images = torch.rand(2, 3, 16, 16)
    features = backbone(images)
    assert features.shape == (2, backbone.dim)
    features.sum().backward()
    assert all(p.grad is not None for p in backbone.parameters())


def test_keys_are_those_of_the_library(tmp_path: Path) -> None:
    origin = dataclasses.replace(ORIGIN, backbone="resnet18", stem="standard", image_size=32)
    backbone = untrained_backbone(origin)
    save_backbone(backbone, origin, tmp_path / "b.safetensors")
    theirs = torchvision.models.resnet18(weights=None)
    found = theirs.load_state_dict(load_file(tmp_path / "b.safetensors"), strict=False)
    assert found.missing_keys == ["fc.weight", "fc.bias"]
    assert found.unexpected_keys == []
    assert same(load_backbone(tmp_path / "b.safetensors"), backbone)


@pytest.mark.parametrize("name", methods.names())
def test_first_weights_depend_on_the_origin_alone(name: str) -> None:
    origin = dataclasses.replace(ORIGIN, method=name)
    torch.manual_seed(1)
    one = build_method(origin)
    torch.manual_seed(2)
    torch.rand(5)
    assert same(one, build_method(origin))
    assert not same(one, build_method(dataclasses.replace(origin, seed=4)))
    assert one.training
    assert not untrained_backbone(origin).training


def test_options_of_the_origin_reach_the_method() -> None:
    origin = dataclasses.replace(ORIGIN, method="simclr", options={"temperature": 0.25})
    method: Any = build_method(origin)
    assert method.temperature == 0.25
    with pytest.raises(UsageError, match="unknown option --temprature"):
        build_method(dataclasses.replace(origin, options={"temprature": 0.25}))


@pytest.mark.parametrize("name", methods.names())
def test_init_fills_every_method(name: str) -> None:
    """Whatever a method makes of its encoders, one begins with the given weights."""
    given = load_backbone(finished())
    method = build_method(dataclasses.replace(ORIGIN, method=name), str(finished()))
    assert same(method.backbone, given)


def test_init_of_another_shape_names_the_first_difference() -> None:
    origin = dataclasses.replace(ORIGIN, backbone="resnet9:8")
    with pytest.raises(UsageError, match=r"is \(8, 4, 3, 3\) there and \(16, 8, 3, 3\) here"):
        build_method(origin, str(finished()))
    other = dataclasses.replace(ORIGIN, backbone="resnet18")
    with pytest.raises(UsageError, match=r"None there|None here"):
        build_method(other, str(finished()))


def test_init_by_torchvisions_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    make = backbones.encoders("resnet18", image_size=64, stem="standard")
    warm = WarmEncoders(make, "torchvision:resnet18")
    with pytest.raises(Unavailable, match="are not on disk") as caught:
        warm()
    assert caught.value.exit_code == 2
    theirs: Any = torchvision.models
    given = theirs.resnet18(weights=None)
    file = tmp_path / "checkpoints" / Path(theirs.ResNet18_Weights.DEFAULT.url).name
    file.parent.mkdir()
    torch.save(given.state_dict(), file)
    held: Any = warm()
    assert torch.equal(held.trunk.layer4[1].conv2.weight, given.layer4[1].conv2.weight)
    small = backbones.encoders("resnet18", image_size=32, stem="small")
    with pytest.raises(UsageError, match="--stem standard"):
        WarmEncoders(small, "torchvision:resnet18")()


def test_a_method_with_a_network_of_its_own_takes_no_init(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = registry.load("rotation")
    card = dataclasses.replace(kind.card, backbone="own")
    monkeypatch.setattr(kind, "card", card)
    with pytest.raises(UsageError, match=r"rotation brings its own network; --init cannot fill it"):
        build_method(ORIGIN, str(finished()))


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="neither a run folder nor a backbone file"):
        load_backbone(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"no checkpoint and no backbone\.safetensors yet"):
        load_backbone(tmp_path)


def test_files_of_another_kind(tmp_path: Path) -> None:
    save_tensors(tmp_path / "other.safetensors", {"weight": torch.zeros(2)})
    with pytest.raises(IntegrityError, match="does not say which backbone it holds"):
        load_backbone(tmp_path / "other.safetensors")
    (tmp_path / "text.safetensors").write_text("no tensors")
    with pytest.raises(IntegrityError) as caught:
        load_backbone(tmp_path / "text.safetensors")
    assert caught.value.exit_code == 7


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    file = copied(tmp_path / "run") / "backbone.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(IntegrityError):
        load_backbone(file)


@pytest.mark.parametrize("name", methods.names())
def test_an_ordinary_network_is_the_same_with_and_without_its_method(
    name: str, tmp_path: Path
) -> None:
    origin = dataclasses.replace(ORIGIN, method=name)
    save_backbone(build_method(origin).backbone, origin, tmp_path / "b.safetensors")
    held = origin_of(tmp_path / "b.safetensors")
    assert held.ordinary
    assert same(untrained_backbone(origin), untrained_backbone(held))


def test_saving_leaves_torchs_generator_alone(tmp_path: Path) -> None:
    backbone = untrained_backbone(ORIGIN)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    save_backbone(backbone, ORIGIN, tmp_path / "b.safetensors")
    assert torch.equal(torch.rand(3), expected)


class Loud(ResNet9):
    """The same weights by name and shape, other features."""

    def stages(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return tuple(2 * one for one in super().stages(images))


def test_networks_of_a_methods_own_are_not_ordinary(tmp_path: Path) -> None:
    """By another shape, another class, or another function of the same class and weights."""
    louder = untrained_backbone(ORIGIN)
    louder.register_forward_hook(lambda module, given, out: 2 * out)
    wide = backbones.encoders("resnet9:4", image_size=16)(width=2.0)
    for backbone in (wide, Loud(4), louder):
        save_backbone(backbone, ORIGIN, tmp_path / "b.safetensors")
        assert not origin_of(tmp_path / "b.safetensors").ordinary


def test_code_of_a_folder_is_named_and_not_run(tmp_path: Path) -> None:
    """A file says that its network is built by code; only the command may say which is run."""
    strange = dataclasses.replace(ORIGIN, method="mine", plugin=str(tmp_path / "plugin.py"))
    backbone = untrained_backbone(ORIGIN)
    file = tmp_path / "backbone.safetensors"
    save_backbone(backbone, strange, file)
    assert same(load_backbone(tmp_path), backbone)  # it is ordinary: no code is needed
    save_tensors(file, backbone.state_dict(), {"presight": json.dumps(strange.words())})
    with pytest.raises(UsageError, match=r"the code of its method, mine, .*--plugin FILE\."):
        load_backbone(file)
    (tmp_path / "plugin.py").write_text("raise SystemExit\n")
    for where in (tmp_path, file):
        with pytest.raises(UsageError, match=r"not run unasked.*trust it: --plugin .*/plugin\.py"):
            load_backbone(where)
    assert strange.words()["plugin"] == "plugin.py"
