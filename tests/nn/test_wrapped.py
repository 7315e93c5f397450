"""Networks of torchvision and timm as backbones."""

from __future__ import annotations

from functools import partial

import pytest
import torch
import torchvision
from torch import nn

from presight.errors import UsageError
from presight.nn.backbones import encoders
from presight.nn.norm import SplitBatchNorm
from presight.nn.stages import FAMILIES
from presight.nn.wrapped import TimmBackbone, TorchvisionBackbone


def groups(channels: int) -> nn.Module:
    return nn.GroupNorm(8, channels)


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small"])
def test_a_batch_norm_in_groups_leaves_the_librarys_layout(name: str) -> None:
    """In eval mode it is batch norm, with the same keys and the family's own constants."""
    torch.manual_seed(0)
    backbone = TorchvisionBackbone(name, norm=partial(SplitBatchNorm, splits=2))
    images = torch.rand(4, 3, 64, 64)
    backbone(images)  # statistics that are not those of the start
    fresh = torchvision.models.get_model(name, weights=None)
    answer = fresh.load_state_dict(backbone.trunk.state_dict(), strict=False)
    head = FAMILIES[backbone.family].head
    assert not answer.unexpected_keys
    assert all(key.startswith(f"{head}.") for key in answer.missing_keys)
    setattr(fresh, head, nn.Identity())
    expected = fresh.eval()(backbone.normalize(images))
    assert torch.allclose(backbone.eval()(images), expected, atol=1e-5)
    assert backbone.altered == ""


def test_what_keeps_a_network_from_the_librarys_is_said() -> None:
    with torch.device("meta"):
        assert TorchvisionBackbone("resnet18", norm=groups).altered == "another norm"
        assert TorchvisionBackbone("resnet18", 2, 0.5).altered == "2 channels, width 0.5"
        assert TorchvisionBackbone("resnet18", small=True).altered == "small stem"


@pytest.mark.parametrize(("name", "last"), [("vgg11_bn", 25), ("alexnet", 10)])
@pytest.mark.parametrize("small", [False, True])
def test_initial_weights_of_plain_networks(name: str, last: int, small: bool) -> None:
    """As the library draws a VGG's: He et al.'s deviation by the outputs, no bias."""
    torch.manual_seed(0)
    features = TorchvisionBackbone(name, small=small and name == "alexnet").trunk.features
    for convolution in (features[0], features[last]):
        outputs = convolution.out_channels * convolution.kernel_size[0] ** 2
        assert convolution.weight.std().item() == pytest.approx((2 / outputs) ** 0.5, rel=0.05)
        assert not convolution.bias.any()


def test_alexnets_features_keep_their_size() -> None:
    """With the library's own initial weights they have a tenth of it."""
    torch.manual_seed(0)
    backbone = TorchvisionBackbone("alexnet", small=True)
    assert 0.1 < backbone(torch.rand(4, 3, 32, 32)).square().mean().sqrt().item() < 5


def test_another_norm_of_a_vgg() -> None:
    backbone = TorchvisionBackbone("vgg11_bn", width=0.125, norm=groups)
    assert sum(isinstance(m, nn.GroupNorm) for m in backbone.modules()) == 8
    assert "another norm" in backbone.altered


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

    def test_a_transformer_says_which_size_it_takes(self) -> None:
        backbone = encoders("timm/vit_tiny_patch16_224", image_size=32)()
        with pytest.raises(UsageError, match=r"made for images of 32 pixels .* 48 x 48: Input"):
            backbone(torch.rand(1, 3, 48, 48))

    def test_unknown_names_are_refused(self) -> None:
        with pytest.raises(UsageError, match=r"some that it has: .*resnet"):
            encoders("timm/resnet_of_mine", image_size=32)()
