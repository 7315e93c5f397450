"""Where the networks of torchvision's families have their stages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from presight.errors import UsageError


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


def _before_pooling(features: Any) -> list[int]:
    """Where a VGG's resolutions end; its last pooling is none of the backbone's."""
    pools = [i for i, module in enumerate(features) if isinstance(module, nn.MaxPool2d)]
    return [*(i - 1 for i in pools), len(features) - 2]


def _convolutions(features: Any) -> list[int]:
    """Where AlexNet's five convolutions end, as probes of its layers are published."""
    return [i for i, module in enumerate(features) if isinstance(module, nn.ReLU)]


def _plain_maps(ends: Callable[[Any], list[int]], trunk: Any, images: Tensor) -> list[Tensor]:
    taps, maps, value = ends(trunk.features), [], images
    for i, module in enumerate(trunk.features):
        if isinstance(module, nn.MaxPool2d) and not torch.compiler.is_compiling():
            _check_side(module, value, images)
        value = module(value)
        if i in taps:
            maps.append(value)
    return maps


def _check_side(pool: nn.MaxPool2d, value: Tensor, images: Tensor) -> None:
    if min(value.shape[2:]) < int(pool.kernel_size):  # type: ignore[arg-type]
        height, width = images.shape[2:]
        raise UsageError(
            f"images of {height} x {width} pixels are too small for this backbone: its poolings "
            f"would leave nothing of them. Take larger images, a resnet, or for alexnet "
            f"--stem small."
        )


def _plain_dims(ends: Callable[[Any], list[int]], trunk: Any) -> list[int]:
    found, channels = [], 0
    for i, module in enumerate(trunk.features):
        channels = getattr(module, "out_channels", channels)
        if i in ends(trunk.features):
            found.append(channels)
    return found


@dataclass(frozen=True)
class Family:
    """How a family's stages are taken, and how its networks end.

    Attributes:
        head: name of the classifier.
        maps: f1..fk of a network without head and of normalized images.
        dims: their channels.
        flat: whether the classifier reads a flattened 6x6 or 7x7 map, and not its mean.
    """

    head: str
    maps: Callable[[Any, Tensor], list[Tensor]]
    dims: Callable[[Any], list[int]]
    flat: bool = False

    def behead(self, network: Any) -> None:
        """Let the network give a backbone's features, the mean of its last map; keys stay."""
        setattr(network, self.head, nn.Identity())
        if self.flat:
            network.features[-1] = nn.Identity()  # the last pooling
            network.avgpool = nn.AdaptiveAvgPool2d(1)


def _plain(ends: Callable[[Any], list[int]]) -> Family:
    """A family of one chain of convolutions, whose large classifier is left out."""
    return Family("classifier", partial(_plain_maps, ends), partial(_plain_dims, ends), flat=True)


FAMILIES = {
    "resnet": Family("fc", _resnet_maps, _resnet_dims),
    "regnet": Family("fc", _regnet_maps, _regnet_dims),
    "convnext": Family("classifier", _convnext_maps, _convnext_dims),
    "alexnet": _plain(_convolutions),
    "vgg": _plain(_before_pooling),
    "densenet": Family("classifier", _densenet_maps, _densenet_dims),
    "mobilenet": Family("classifier", _chain_maps, _chain_dims),
    "efficientnet": Family("classifier", _chain_maps, _chain_dims),
}
