"""The tiny network, batch and data keep the contract."""

from __future__ import annotations

import torch
from torch import nn

from presight.testing.tiny import TinyBackbone, tiny_batch, tiny_data, tiny_encoders


def test_backbone_says_its_widths() -> None:
    backbone = tiny_encoders()(in_channels=2, width=0.5)
    images = torch.rand(3, 2, 16, 12)
    maps = backbone.stages(images)
    assert [tuple(m.shape) for m in maps] == [(3, 4, 8, 6), (3, 8, 4, 3)]
    assert backbone.stage_dims == (4, 8)
    assert backbone(images).shape == (3, backbone.dim)
    assert torch.allclose(backbone(images), backbone.stages(images)[-1].mean((2, 3)))


def test_norm_is_batch_norm_or_what_is_asked() -> None:
    def groups(channels: int) -> nn.Module:
        return nn.GroupNorm(2, channels)

    def kinds(backbone: nn.Module) -> set[type]:
        return {type(m) for m in backbone.modules()} & {nn.BatchNorm2d, nn.GroupNorm}

    assert kinds(TinyBackbone()) == {nn.BatchNorm2d}
    assert kinds(tiny_encoders()(norm=groups)) == {nn.GroupNorm}


def test_pictures_differ_and_repeat() -> None:
    batch = tiny_batch(6, 20)
    assert batch.images.dtype == torch.uint8
    assert batch.images.shape == (6, 3, 20, 20)
    assert batch.index.tolist() == list(range(6))
    assert batch.frame[0].tolist() == [0, 0, 20, 20]
    assert len(batch.images.flatten(1).unique(dim=0)) == 6
    assert torch.equal(batch.images, tiny_batch(6, 20).images)
    assert not torch.equal(batch.images, tiny_batch(6, 20, seed=1).images)


def test_data() -> None:
    data = tiny_data(32, 8, 16)
    assert (data.n_samples, data.global_batch, data.image_size) == (32, 8, 16)
    assert data.updates_per_epoch == 4
