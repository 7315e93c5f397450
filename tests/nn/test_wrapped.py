"""Networks of torchvision and timm as backbones."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from presight.errors import UsageError
from presight.nn.backbones import encoders
from presight.nn.wrapped import TimmBackbone, TorchvisionBackbone


def test_norm_of_a_network_without_batch_norm_is_refused() -> None:
    with torch.device("meta"), pytest.raises(UsageError, match="no batch norm"):
        TorchvisionBackbone("convnext_tiny", norm=nn.BatchNorm2d)


class TestTimm:
    @pytest.fixture(autouse=True)
    def _timm(self) -> None:
        pytest.importorskip("timm")

    @pytest.mark.filterwarnings("ignore::DeprecationWarning")
    def test_stages_and_features(self) -> None:
        backbone = encoders("timm/resnet18", image_size=64)().eval()
        assert isinstance(backbone, TimmBackbone)
        maps = backbone.stages(torch.rand(1, 3, 64, 64))
        assert [m.shape[1] for m in maps] == list(backbone.stage_dims) == [64, 128, 256, 512]
        assert "fc.weight" not in backbone.trunk.state_dict()
        images = torch.rand(2, 3, 64, 64)
        assert torch.allclose(
            backbone(images), backbone.trunk(backbone.normalize(images)), atol=1e-5
        )

    def test_a_transformer_is_tapped_at_each_quarter(self) -> None:
        backbone = encoders("timm/vit_tiny_patch16_224", image_size=32)()
        assert isinstance(backbone, TimmBackbone)
        assert backbone.picked == [2, 5, 8, 11]
        maps = backbone.stages(torch.rand(1, 3, 32, 32))
        assert [tuple(m.shape) for m in maps] == [(1, 192, 2, 2)] * 4
        assert backbone.normalize.shift[0] == -1.0

    def test_unknown_names_are_refused(self) -> None:
        with pytest.raises(UsageError, match=r"some that it has: .*resnet"):
            encoders("timm/resnet_of_mine", image_size=32)()
