"""Backbones by name."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
import torchvision
from torch import nn

from presight.core.backbone import Backbone
from presight.errors import Unavailable, UsageError
from presight.nn.backbones import encoders, load_pretrained
from presight.nn.native import ResNet9


def test_stem_depends_on_the_image_size() -> None:
    images = torch.rand(1, 3, 32, 32)
    small = encoders("resnet18", image_size=32)().eval()
    large = encoders("resnet18", image_size=64)().eval()
    assert small.trunk.conv1.kernel_size == (3, 3)
    assert large.trunk.conv1.kernel_size == (7, 7)
    assert [m.shape[2] for m in small.stages(images)] == [32, 16, 8, 4]
    assert [m.shape[2] for m in large.stages(images)] == [8, 4, 2, 1]
    assert encoders("resnet18", image_size=32, stem="standard")().trunk.conv1.stride == (2, 2)
    assert small.altered == "small stem"
    assert large.altered == ""


def test_alexnet_has_two_stems() -> None:
    small = encoders("alexnet", image_size=32)()
    large = encoders("alexnet", image_size=64)()
    assert [m.shape[2] for m in small.stages(torch.rand(1, 3, 32, 32))] == [32, 15, 7, 7, 7]
    assert [m.shape[2] for m in large.stages(torch.rand(1, 3, 64, 64))] == [15, 7, 3, 3, 3]
    assert (small.altered, large.altered) == ("small stem", "")
    assert encoders("alexnet", image_size=32, stem="standard")().altered == ""


def test_small_stem_of_others_is_refused() -> None:
    with pytest.raises(UsageError, match="no small stem"):
        encoders("convnext_tiny", image_size=32, stem="small")
    assert not encoders("convnext_tiny", image_size=32).small


@pytest.mark.parametrize("width", [0.25, 0.5])
def test_width_scales_every_channel(width: float) -> None:
    half = encoders("resnet18", image_size=32)(in_channels=1, width=width)
    assert half.stage_dims == tuple(round(d * width) for d in (64, 128, 256, 512))
    assert half(torch.rand(2, 1, 32, 32)).shape == (2, half.dim)
    bottleneck = encoders("resnet50", image_size=32)(width=0.125)
    assert bottleneck.dim == 256
    assert bottleneck.stages(torch.rand(1, 3, 32, 32))[-1].shape[1] == 256
    own = encoders("resnet9:8", image_size=32)(in_channels=2, width=width)
    assert own.dim == round(64 * width)
    tokens = encoders("vit:128", image_size=32)(in_channels=2, width=width)
    assert tokens.dim == round(128 * width)
    assert tokens(torch.rand(1, 2, 32, 32)).shape == (1, tokens.dim)
    for name, dims in (("alexnet", (64, 192, 384, 256, 256)), ("vgg11", (64, 128, 256, 512, 512))):
        plain = encoders(name, image_size=32)(in_channels=1, width=width)
        assert plain.stage_dims == tuple(round(d * width) for d in dims)
        assert plain(torch.rand(2, 1, 32, 32)).shape == (2, plain.dim)
        assert plain.altered.endswith(f"1 channels, width {width:g}")


def test_widths_by_name() -> None:
    """`NAME:WIDTH` has so many channels first, and a method's factor comes on top."""
    for name, dims in (("vgg11_bn:8", (8, 16, 32, 64, 64)), ("resnet18:16", (16, 32, 64, 128))):
        factory = encoders(name, image_size=32)
        made = factory()
        assert made.stage_dims == dims
        assert made.source == factory.source == f"torchvision:{name}"
        assert "width " in made.altered
        assert factory(width=0.5).stage_dims == tuple(d // 2 for d in dims)
    assert encoders("resnet18:64", image_size=64)().altered == ""


def test_the_narrowest_transformer_is_one_head() -> None:
    assert encoders("vit:32", image_size=32)(width=0.25).dim == 32


@pytest.mark.parametrize("name", ["vit:32", "alexnet:4", "vgg11:4"])
def test_a_network_without_batch_norm_stays_as_it_is(name: str) -> None:
    factory = encoders(name, image_size=32)
    made = factory(norm=lambda c: nn.GroupNorm(1, c))
    assert made.state_dict().keys() == factory().state_dict().keys()
    assert not any(isinstance(m, nn.GroupNorm) for m in made.modules())
    assert "norm" not in getattr(made, "altered", "")


def test_norms_of_timm() -> None:
    """A transformer has no batch norm to replace; a resnet's are timm's own kind."""
    pytest.importorskip("timm")
    made = encoders("timm/vit_tiny_patch16_224", image_size=32)(norm=nn.BatchNorm2d)
    assert not any(isinstance(m, nn.BatchNorm2d) for m in made.modules())
    with pytest.raises(UsageError, match="one width and one batch norm"):
        encoders("timm/resnet18", image_size=32)(norm=nn.BatchNorm2d)
    with pytest.raises(UsageError, match="one width"):
        encoders("timm/vit_tiny_patch16_224", image_size=32)(width=0.5)


@pytest.mark.parametrize("name", ["resnet18", "alexnet", "vit:32"])
def test_the_same_seed_draws_the_same_network(name: str) -> None:
    torch.manual_seed(1)
    first = encoders(name, image_size=64)().trunk.state_dict()
    torch.manual_seed(1)
    again = encoders(name, image_size=64)().trunk.state_dict()
    assert all(torch.equal(first[key], again[key]) for key in first)


def test_width_elsewhere_is_refused() -> None:
    with pytest.raises(UsageError, match="one width only"):
        encoders("mobilenet_v3_small", image_size=32)(width=0.5)


def test_norm_replaces_every_batch_norm() -> None:
    backbone = encoders("resnet18", image_size=32)(norm=lambda c: nn.GroupNorm(8, c), width=0.25)
    assert not any(isinstance(m, nn.BatchNorm2d) for m in backbone.modules())
    assert sum(isinstance(m, nn.GroupNorm) for m in backbone.modules()) == 20
    assert backbone(torch.rand(1, 3, 16, 16)).shape == (1, 128)


def test_sources_name_the_network_again() -> None:
    for name in ("resnet18", "resnet9:4", "vit:32", "alexnet", "vgg11:4"):
        factory = encoders(name, image_size=32)
        backbone = factory()
        assert factory.source == backbone.source
        assert encoders(backbone.source, image_size=32).name == name


def test_images_with_other_channels_are_the_default() -> None:
    factory = encoders("resnet9:2", image_size=32, channels=7)
    assert factory()(torch.rand(1, 7, 16, 16)).shape == (1, 16)
    assert factory(3)(torch.rand(1, 3, 16, 16)).shape == (1, 16)


def test_a_function_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (
        "from presight.nn.native import ResNet9\n"
        "def make(in_channels, width, norm):\n"
        "    return ResNet9(round(4 * width), in_channels, norm)\n"
        "def wrong(in_channels, width, norm):\n    return 1\n"
    )
    (tmp_path / "presight_test_networks.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    try:
        backbone = encoders("presight_test_networks:make", image_size=32)(width=2.0)
        assert isinstance(backbone, ResNet9)
        assert backbone.dim == 64
        with pytest.raises(UsageError, match="returned int"):
            encoders("presight_test_networks:wrong", image_size=32)()
        with pytest.raises(UsageError, match="no function 'absent'"):
            encoders("presight_test_networks:absent", image_size=32)()
    finally:
        sys.modules.pop("presight_test_networks", None)


def test_weights_that_are_not_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    backbone = encoders("resnet18", image_size=64)()
    with pytest.raises(Unavailable, match="does not download"):
        load_pretrained(backbone, "torchvision:resnet18")
    small = encoders("resnet18", image_size=32)()
    with pytest.raises(UsageError, match="small stem"):
        load_pretrained(small, "torchvision:resnet18")


def test_weights_on_disk_are_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    library = torchvision.models.resnet18()
    file = tmp_path / "checkpoints" / "resnet18-f37072fd.pth"
    torch.save(library.state_dict(), file)
    backbone = encoders("resnet18", image_size=64)()
    assert load_pretrained(backbone, "torchvision:resnet18") == file
    assert torch.equal(backbone.trunk.conv1.weight, library.conv1.weight)


def test_factories_are_encoders_in_the_contracts_sense() -> None:
    backbone = encoders("resnet9:2", image_size=32)(3, 1.0, None)
    assert isinstance(backbone, Backbone)
