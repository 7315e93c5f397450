"""The small vision transformer."""

from __future__ import annotations

import pytest
import torch

from presight.core.backbone import TokenBackbone
from presight.errors import UsageError
from presight.nn.vit import BLOCKS, Block, ViT, positions


@pytest.mark.parametrize(
    ("side", "patch", "grid"), [(16, 4, 4), (32, 4, 8), (64, 8, 8), (96, 8, 12), (224, 16, 14)]
)
def test_maps_have_the_promised_shapes(side: int, patch: int, grid: int) -> None:
    net = ViT(32, side)
    assert isinstance(net, TokenBackbone)
    maps = net.stages(torch.rand(2, 3, side, side))
    assert [tuple(m.shape) for m in maps] == [(2, 32, grid, grid)] * 3
    assert net.stage_dims == (32,) * 3
    assert net.patch == patch
    assert net.trunk.patches.kernel_size == net.trunk.patches.stride == (patch, patch)


def test_parameters_in_closed_form() -> None:
    width = 64
    block = 12 * width**2 + 9 * width + 4 * width  # four matrices and their biases, two norms
    patches, norm = 16 * 3 * width + width, 2 * width
    assert sum(p.numel() for p in ViT(width).parameters()) == BLOCKS * block + patches + norm


def test_features_are_the_mean_of_the_tokens() -> None:
    net, images = ViT(32).eval(), torch.rand(2, 3, 32, 32)
    tokens = net.tokens(images)
    assert tokens.shape == (2, 64, 32)
    assert torch.allclose(net(images), tokens.mean(1), atol=1e-6)
    last = net.stages(images)[-1]
    assert torch.allclose(last[:, :, 1, 2], tokens[:, 8 + 2], atol=1e-6)  # row by row


def test_attention_is_the_written_formula() -> None:
    torch.manual_seed(0)
    block, tokens = Block(64).double(), torch.rand(2, 5, 64, dtype=torch.float64)
    normed = block.norm1(tokens)
    weight, bias = block.qkv.weight.view(3, 2, 32, 64), block.qkv.bias.view(3, 2, 32)
    heads = []
    for head in range(2):
        q, k, v = (normed @ weight[i, head].T + bias[i, head] for i in range(3))
        heads.append((q @ k.transpose(1, 2) / 32**0.5).softmax(2) @ v)
    mixed = tokens + block.projection(torch.cat(heads, 2))
    expected = mixed + block.layers(block.norm2(mixed))
    assert torch.allclose(block(tokens), expected, atol=1e-12)


def test_patches_that_are_not_kept_are_not_seen() -> None:
    net, images = ViT(32).eval(), torch.rand(2, 3, 32, 32)
    keep = torch.stack([torch.randperm(64)[:10] for _ in range(2)])
    seen = net.tokens(images, keep)
    assert seen.shape == (2, 10, 32)
    hidden = torch.ones(2, 64, dtype=torch.bool).scatter(1, keep, value=False)
    painted = images.clone()
    patches = painted.unfold(2, 4, 4).unfold(3, 4, 4)  # [B,3,8,8,4,4], of the same memory
    patches.masked_fill_(hidden.view(2, 1, 8, 8, 1, 1), 0.5)
    assert not torch.equal(painted, images)
    assert torch.equal(net.tokens(painted, keep), seen)
    every = torch.arange(64).expand(2, -1)
    assert torch.allclose(net.tokens(images, every), net.tokens(images), atol=1e-6)


def test_order_of_patches_matters_by_their_positions() -> None:
    """Equal patches differ by their place; the kept ones keep it."""
    net = ViT(32).eval()
    tokens = net.tokens(torch.full((1, 3, 32, 32), 0.3))
    assert (tokens[0, 0] - tokens[0, 63]).abs().max() > 1e-3
    image, one = torch.full((1, 3, 32, 32), 0.3), torch.tensor([[5]])
    assert not torch.equal(net.tokens(image, one), net.tokens(image, one + 1))


def test_a_place_keeps_its_code_at_any_size() -> None:
    like = torch.zeros(1, 32)
    small, large = positions(4, 4, 4, like), positions(12, 12, 4, like).view(12, 12, 32)
    assert torch.allclose(small.view(4, 4, 32), large[1::3, 1::3], atol=1e-6)
    flat = positions(2, 3, 4, like)
    assert flat.unique(dim=0).shape == (6, 32)
    assert torch.equal(flat[0, :16], flat[2, :16])  # one row
    assert torch.equal(flat[1, 16:], flat[4, 16:])  # one column


def test_other_sizes_are_taken_from_a_patch_on() -> None:
    net = ViT(32, in_channels=2)
    assert [tuple(m.shape[2:]) for m in net.stages(torch.rand(1, 2, 39, 64))] == [(9, 16)] * 3
    assert net(torch.rand(1, 2, 4, 4)).shape == (1, 32)
    with pytest.raises(UsageError, match=r"3 x 4 pixels are smaller than a patch of own:vit:32"):
        net(torch.rand(1, 2, 3, 4))


def test_every_weight_learns() -> None:
    torch.manual_seed(0)
    net = ViT(32)
    (net(torch.rand(4, 3, 32, 32)) * torch.randn(32)).sum().backward()
    for path, parameter in net.named_parameters():
        assert parameter.grad is not None, path
        assert parameter.grad.abs().max() > 0, path


def test_the_state_is_weights_alone_and_of_any_size() -> None:
    assert all(key.startswith("trunk.") for key in ViT(32).state_dict())
    ViT(32, 48).load_state_dict(ViT(32, 16).state_dict())


def test_gradients_in_half_precision() -> None:
    net = ViT(32)
    with torch.autocast("cpu", torch.bfloat16):
        features = net(torch.rand(2, 3, 32, 32))
    features.float().sum().backward()
    assert torch.isfinite(features).all()
