"""Backbone: the network that is pretrained for, exported and measured."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor, nn

_COMPILED = ("stages", "_compiled_call_impl")
"""What `compile` adds to a module."""


class Backbone(nn.Module, ABC):
    """Images in [0, 1] to features; normalization is its first step.

    Attributes:
        dim: width of the pooled features.
        stage_dims: channels of each stage's map.
        source: where the layout comes from: `torchvision:resnet18`, `timm:NAME`, `own:resnet9`.
    """

    dim: int
    stage_dims: tuple[int, ...]
    source: str

    def forward(self, images: Tensor) -> Tensor:
        """Features [B, dim] of images float [B,3,h,w] in [0, 1]: the last stage, mean pooled."""
        return self.stages(images)[-1].mean((2, 3))

    @abstractmethod
    def stages(self, images: Tensor) -> tuple[Tensor, ...]:
        """Maps f1..fk, [B, stage_dims[i], h_i, w_i], of images float [B,3,h,w] in [0, 1]."""

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Compile `stages` in place, which `forward` and methods that read maps both go through.

        Names of weights stay; arguments are torch.compile's.
        """
        self.__dict__["stages"] = torch.compile(type(self).stages.__get__(self), *args, **kwargs)

    def __getstate__(self) -> dict[str, Any]:
        """The state that a copy takes: what was compiled is bound to this module's weights."""
        return {name: value for name, value in self.__dict__.items() if name not in _COMPILED}


class TokenBackbone(Backbone):
    """A transformer's backbone, which can also see a part of the image only."""

    @abstractmethod
    def tokens(self, images: Tensor, keep: Tensor | None = None) -> Tensor:
        """Tokens [B, n, dim]; `keep` int64 [B, m] names the patches that are seen."""


class Encoders(Protocol):
    """Makes encoders: a method calls it once, or several times with other channels or widths."""

    def __call__(
        self,
        in_channels: int = 3,
        width: float = 1.0,
        norm: Callable[[int], nn.Module] | None = None,
    ) -> Backbone:
        """A new encoder with weights of its own, from torch's generator.

        Args:
            in_channels: of what it reads.
            width: factor on all channels.
            norm: makes the norm of so many channels, instead of each batch norm; a network without
                any, such as a transformer, stays as it is.

        Raises:
            UsageError: where the network cannot have the width or the norm.
        """
        ...


class Normalize(nn.Module):
    """(images - mean) / std by channel, as one multiply-add.

    The constants are no part of the state dict: exports hold weights only.

    Args:
        mean: a value a channel.
        std: a value a channel, above 0.
    """

    def __init__(self, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        scale = 1.0 / torch.tensor(std)
        self.register_buffer("scale", scale, persistent=False)
        self.register_buffer("shift", -torch.tensor(mean) * scale, persistent=False)
        self.scale: Tensor
        self.shift: Tensor

    def forward(self, images: Tensor) -> Tensor:
        """Images float [B,C,h,w] in [0, 1] to zero mean and unit variance, roughly."""
        if not images.is_contiguous(memory_format=torch.channels_last):
            return torch.addcmul(self.shift[:, None, None], images, self.scale[:, None, None])
        # Channels lie innermost: whole rows of pixels at once, which a CPU does 2.5 times faster.
        count, channels, height, width = images.shape
        rows = images.permute(0, 2, 3, 1).reshape(count, height, width * channels)
        done = torch.addcmul(self.shift.repeat(width), rows, self.scale.repeat(width))
        return done.view(count, height, width, channels).permute(0, 3, 1, 2)
