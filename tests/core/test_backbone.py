from __future__ import annotations

import pytest
import torch
from torch import Tensor
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
