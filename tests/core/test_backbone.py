from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torchvision.transforms.functional import normalize

from presight.core.backbone import Backbone, Normalize, TokenBackbone

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Fixed(Backbone):
    dim, stage_dims, source = 4, (2, 4), "own:fixed"

    def stages(self, images: Tensor) -> tuple[Tensor, ...]:
        n = len(images)
        return torch.zeros(n, 2, 4, 4), torch.arange(16.0).view(1, 4, 2, 2).expand(n, -1, -1, -1)


def test_features_are_the_last_stage_mean_pooled() -> None:
    features = Fixed()(torch.zeros(3, 3, 8, 8))
    assert torch.equal(features, torch.tensor([1.5, 5.5, 9.5, 13.5]).expand(3, 4))


def test_abstract_backbones_cannot_be_made() -> None:
    with pytest.raises(TypeError):
        Backbone()  # type: ignore[abstract]
    with pytest.raises(TypeError):
        TokenBackbone()  # type: ignore[abstract]


def test_normalize_agrees_with_torchvision() -> None:
    images = torch.rand(2, 3, 5, 4, generator=torch.Generator().manual_seed(0))
    ours = Normalize(MEAN, STD)(images)
    assert torch.allclose(ours, normalize(images, list(MEAN), list(STD)), atol=1e-6)


def test_normalize_keeps_no_state_and_follows_the_dtype() -> None:
    layer = Normalize(MEAN, STD)
    assert not layer.state_dict()
    assert not list(layer.parameters())
    assert layer.double()(torch.rand(1, 3, 2, 2, dtype=torch.float64)).dtype == torch.float64


class Scaled(Backbone):
    dim, stage_dims, source = 3, (3,), "own:scaled"

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 3, 1)

    def stages(self, images: Tensor) -> tuple[Tensor, ...]:
        return (self.layer(images),)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Calls of what was compiled, by an argument of torch.compile."""
    found: list[str] = []

    def compiled(function: Callable[..., Any], *, mode: str = "") -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            found.append(mode)
            return function(*args)

        return call

    monkeypatch.setattr(torch, "compile", compiled)
    return found


def test_features_and_maps_both_go_through_what_was_compiled(calls: list[str]) -> None:
    backbone, images = Scaled(), torch.rand(2, 3, 4, 4)
    before, names = backbone(images), set(backbone.state_dict())
    backbone.compile(mode="quick")
    assert torch.equal(backbone(images), before)
    backbone.stages(images)
    assert calls == ["quick", "quick"]
    backbone.compile()  # again is no second layer
    backbone(images)
    assert calls == ["quick", "quick", ""]
    assert set(backbone.state_dict()) == names


def test_a_copy_of_a_compiled_backbone_has_weights_of_its_own(calls: list[str]) -> None:
    backbone, images = Scaled(), torch.rand(2, 3, 4, 4)
    before = backbone(images)
    backbone.compile()
    twin = copy.deepcopy(backbone)
    nn.init.zeros_(backbone.layer.weight)
    assert torch.equal(twin(images), before)
    assert not calls
    assert not torch.equal(backbone(images), before)


@pytest.mark.slow
def test_torch_compiles_a_backbone() -> None:
    backbone, images = Scaled(), torch.rand(2, 3, 4, 4)
    before = backbone(images)
    backbone.compile(backend="eager", fullgraph=True)
    assert torch.equal(backbone(images), before)
    backbone(images).sum().backward()
    assert backbone.layer.weight.grad is not None
