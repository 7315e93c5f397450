"""`--init` from files that no run wrote: our exports, torchvision's and timm's networks."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torchvision

from presight.core.backbone import Backbone
from presight.errors import UsageError
from presight.exporting.export import export
from presight.nn import backbones
from presight.restore import WarmEncoders
from presight.store.tensors import save_tensors


def made(name: str, seed: int = 0, stem: backbones.Stem = "standard") -> Backbone:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return backbones.encoders(name, image_size=32, stem=stem)()


def warm(name: str, file: Path, stem: backbones.Stem = "standard") -> Backbone:
    return WarmEncoders(backbones.encoders(name, image_size=32, stem=stem), str(file))()


def same(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    here, there = one.state_dict(), other.state_dict()
    return here.keys() == there.keys() and all(torch.equal(here[k], there[k]) for k in here)


@pytest.mark.parametrize(
    ("name", "to"),
    [
        ("resnet9:4", "safetensors"),
        ("mobilenet_v3_small", "safetensors"),
        ("mobilenet_v3_small", "torchvision"),
    ],
)
def test_our_own_export_is_taken(name: str, to: str, tmp_path: Path) -> None:
    stem: backbones.Stem = "auto" if name.startswith("resnet9") else "standard"
    given = made(name, 1, stem)
    file = export(given, to, tmp_path / "export.safetensors").path
    assert not same(given, made(name, 2, stem))
    assert same(given, warm(name, file, stem))


@pytest.mark.parametrize("dropped", ["nothing", "fc.", "num_batches_tracked"])
def test_a_network_of_torchvision_is_taken_without_its_classifier(
    dropped: str, tmp_path: Path
) -> None:
    theirs = torchvision.models.resnet18(weights=None).state_dict()
    kept = {key: value for key, value in theirs.items() if dropped not in key}
    save_tensors(tmp_path / "theirs.safetensors", kept)
    trunk = warm("resnet18", tmp_path / "theirs.safetensors").get_submodule("trunk").state_dict()
    assert trunk.keys() == {key for key in theirs if not key.startswith("fc.")}
    assert all(torch.equal(value, theirs[key]) for key, value in trunk.items())


def test_another_network_is_told_by_its_first_differences(tmp_path: Path) -> None:
    theirs = torchvision.models.resnet18(weights=None).state_dict()
    del theirs["bn1.bias"]
    save_tensors(tmp_path / "theirs.safetensors", theirs)
    with pytest.raises(UsageError) as caught:
        warm("resnet18", tmp_path / "theirs.safetensors", "small")
    assert "bn1.bias is None there and (64,) here" in str(caught.value)
    assert "conv1.weight is (64, 3, 7, 7) there and (64, 3, 3, 3) here" in str(caught.value)
    assert "--stem" in str(caught.value)
    with pytest.raises(UsageError, match=r"and \d+ more"):
        warm("resnet9:4", tmp_path / "theirs.safetensors", "auto")
