"""Stages of torchvision's families."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
import torchvision
from torch import nn

from presight.errors import UsageError
from presight.nn import catalog
from presight.nn.backbones import encoders

SMALL_NETWORKS = ("resnet18", "mobilenet_v3_small", "regnet_x_400mf", "mobilenet_v2", "alexnet")
LARGER = (
    "vgg11_bn",
    "vgg16",
    "regnet_y_400mf",
    "resnet50",
    "convnext_tiny",
    "densenet121",
    "efficientnet_b0",
    "resnext50_32x4d",
)


PLAIN = ("alexnet", "vgg")
SIDES = {  # of the maps, by side of the images
    "alexnet": {16: [16, 7, 3, 3, 3], 32: [32, 15, 7, 7, 7], 64: [15, 7, 3, 3, 3]}
    | {224: [55, 27, 13, 13, 13]},
    "vgg11_bn": {16: [16, 8, 4, 2, 1], 32: [32, 16, 8, 4, 2], 64: [64, 32, 16, 8, 4]}
    | {224: [224, 112, 56, 28, 14]},
    "vgg19": {32: [32, 16, 8, 4, 2]},
}


@pytest.mark.parametrize(("name", "side"), [(n, s) for n, sides in SIDES.items() for s in sides])
def test_sides_of_plain_networks(name: str, side: int) -> None:
    """Before each pooling of a VGG; after each of AlexNet's convolutions, whose dims differ."""
    backbone = encoders(name, image_size=side)(width=0.0625).eval()
    with torch.no_grad():
        maps = backbone.stages(torch.rand(1, 3, side, side))
    assert [m.shape[2] for m in maps] == SIDES[name][side]
    assert [m.shape[1] for m in maps] == list(backbone.stage_dims)
    assert all(m.min() == 0 for m in maps[:-1])  # after the activation


@pytest.mark.parametrize(("name", "least"), [("alexnet", 31), ("vgg11", 16)])
def test_images_that_pooling_would_leave_nothing_of(name: str, least: int) -> None:
    backbone = encoders(name, image_size=64)(width=0.0625)
    assert backbone.stages(torch.rand(1, 3, least, least))[-1].shape[2:] == (1, 1)
    with pytest.raises(UsageError, match=f"{least} x {least - 1} pixels are too small"):
        backbone(torch.rand(1, 3, least, least - 1))


@pytest.mark.parametrize("name", ["alexnet", "vgg11_bn"])
def test_every_weight_of_a_plain_network_learns(name: str) -> None:
    torch.manual_seed(0)
    backbone = encoders(name, image_size=32)(width=0.125)
    backbone(torch.rand(4, 3, 32, 32)).square().sum().backward()
    for path, parameter in backbone.named_parameters():
        assert parameter.grad is not None, path
        assert parameter.grad.abs().max() > 0, path


def test_the_small_stem_differs_in_the_first_layer_alone() -> None:
    networks = [encoders("alexnet", image_size=s)(width=0.25).trunk for s in (32, 64)]
    small, large = ({k: v.shape for k, v in n.state_dict().items()} for n in networks)
    assert small.keys() == large.keys()
    assert {k for k in small if small[k] != large[k]} == {"features.0.weight"}
    pools = [[m for m in n.features if isinstance(m, nn.MaxPool2d)] for n in networks]
    assert [len(found) for found in pools] == [2, 2]


@pytest.mark.parametrize("name", SMALL_NETWORKS)
def test_features_are_the_librarys_own(name: str) -> None:
    check_against_library(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGER)
def test_features_of_larger_networks_are_the_librarys_own(name: str) -> None:
    check_against_library(name)


def check_against_library(name: str) -> None:
    torch.manual_seed(0)
    backbone = encoders(name, image_size=64)().eval()
    library = torchvision.models.get_model(name, weights=None).eval()
    head = "fc." if hasattr(library, "fc") else "classifier."
    answer = library.load_state_dict(backbone.trunk.state_dict(), strict=False)
    assert not answer.unexpected_keys
    assert answer.missing_keys
    assert all(key.startswith(head) for key in answer.missing_keys)
    setattr(library, head[:-1], nn.Identity())
    images = torch.rand(2, 3, 64, 64)
    plain = name.startswith(PLAIN)
    with torch.no_grad():
        maps = backbone.stages(images)
        if plain:  # up to the last pooling
            features = library.features[:-1](backbone.normalize(images)).mean((2, 3))
        else:
            features = library(backbone.normalize(images)).flatten(1)
        assert torch.allclose(backbone(images), features, atol=1e-5)
    assert [m.shape[1] for m in maps] == list(backbone.stage_dims)
    assert maps[-1].shape[1] == backbone.dim
    if plain:
        return
    assert len(maps) == 4
    assert [a.shape[2] // b.shape[2] for a, b in pairwise(maps)] == [2, 2, 2]


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in catalog.names() if "regnet" not in n])
def test_every_name_builds_on_the_meta_device(name: str) -> None:
    # regnet draws its initial weights with numbers that the meta device does not have.
    with torch.device("meta"):
        backbone = encoders(name, image_size=224)()
    assert len(backbone.stage_dims) == (5 if name.startswith(PLAIN) else 3 if "vit" in name else 4)
    assert min(backbone.stage_dims) > 0
