"""Where the networks of torchvision's families have their stages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn


def _resnet_maps(trunk: Any, images: Tensor) -> list[Tensor]:
    maps = [trunk.maxpool(trunk.relu(trunk.bn1(trunk.conv1(images))))]
    for layer in (trunk.layer1, trunk.layer2, trunk.layer3, trunk.layer4):
        maps.append(layer(maps[-1]))
    return maps[1:]


def _resnet_dims(trunk: Any) -> list[int]:
    layers = (trunk.layer1, trunk.layer2, trunk.layer3, trunk.layer4)
    return [getattr(layer[-1], "conv3", layer[-1].conv2).out_channels for layer in layers]


def _regnet_maps(trunk: Any, images: Tensor) -> list[Tensor]:
    maps = [trunk.stem(images)]
    for stage in trunk.trunk_output:
        maps.append(stage(maps[-1]))
    return maps[1:]


def _regnet_dims(trunk: Any) -> list[int]:
    return [stage[-1].f.c.out_channels for stage in trunk.trunk_output]


def _densenet_maps(trunk: Any, images: Tensor) -> list[Tensor]:
    maps, value = [], images
    for name, module in trunk.features.named_children():
        value = module(value)
        if name in ("denseblock1", "denseblock2", "denseblock3"):
            maps.append(value)
    return [*maps, torch.relu(value)]


def _densenet_dims(trunk: Any) -> list[int]:
    norms = [trunk.features.get_submodule(f"transition{i}.norm") for i in (1, 2, 3)]
    return [norm.num_features for norm in (*norms, trunk.features.norm5)]


def _ends(features: Any) -> list[int]:
    """Where the last four resolutions end in a chain of blocks: before each stride, and last."""
    strided = [
        i
        for i, block in enumerate(features)
        if any(isinstance(m, nn.Conv2d) and m.stride == (2, 2) for m in block.modules())
    ]
    return [*(i - 1 for i in strided if i), len(features) - 1][-4:]


def _chain_maps(trunk: Any, images: Tensor) -> list[Tensor]:
    ends, maps, value = _ends(trunk.features), [], images
    for i, block in enumerate(trunk.features):
        value = block(value)
        if i in ends:
            maps.append(value)
    return maps


def _chain_dims(trunk: Any) -> list[int]:
    blocks = [trunk.features[i] for i in _ends(trunk.features)]
    return [getattr(block, "out_channels", None) or block[-1].out_channels for block in blocks]


def _convnext_maps(trunk: Any, images: Tensor) -> list[Tensor]:
    maps, value = [], images
    for i, block in enumerate(trunk.features):
        value = block(value)
        if i % 2:
            maps.append(value)
    return maps


def _convnext_dims(trunk: Any) -> list[int]:
    return [trunk.features[i][-1].block[0].out_channels for i in (1, 3, 5, 7)]


@dataclass(frozen=True)
class Family:
    """How a family's stages are taken, and the name of its classifier."""

    head: str
    maps: Callable[[Any, Tensor], list[Tensor]]
    dims: Callable[[Any], list[int]]


FAMILIES = {
    "resnet": Family("fc", _resnet_maps, _resnet_dims),
    "regnet": Family("fc", _regnet_maps, _regnet_dims),
    "convnext": Family("classifier", _convnext_maps, _convnext_dims),
    "densenet": Family("classifier", _densenet_maps, _densenet_dims),
    "mobilenet": Family("classifier", _chain_maps, _chain_dims),
    "efficientnet": Family("classifier", _chain_maps, _chain_dims),
}
