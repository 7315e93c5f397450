"""Stages of torchvision's families."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
import torchvision
from torch import nn

from presight.nn import catalog
from presight.nn.backbones import encoders

SMALL_NETWORKS = ("resnet18", "mobilenet_v3_small", "regnet_x_400mf", "mobilenet_v2")
LARGER = (
    "regnet_y_400mf",
    "resnet50",
    "convnext_tiny",
    "densenet121",
    "efficientnet_b0",
    "resnext50_32x4d",
)


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
    with torch.no_grad():
        maps = backbone.stages(images)
        features = library(backbone.normalize(images)).flatten(1)
        assert torch.allclose(backbone(images), features, atol=1e-5)
    assert [m.shape[1] for m in maps] == list(backbone.stage_dims)
    assert maps[-1].shape[1] == backbone.dim
    assert len(maps) == 4
    assert [a.shape[2] // b.shape[2] for a, b in pairwise(maps)] == [2, 2, 2]


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in catalog.names() if "regnet" not in n])
def test_every_name_builds_on_the_meta_device(name: str) -> None:
    # regnet draws its initial weights with numbers that the meta device does not have.
    with torch.device("meta"):
        backbone = encoders(name, image_size=224)()
    assert len(backbone.stage_dims) == 4
    assert min(backbone.stage_dims) > 0
