"""Backbones of our own: ResNet-9, which a CPU can train."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from presight.core.backbone import Backbone, Normalize

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

Norm = Callable[[int], nn.Module]


def normalize_for(channels: int) -> Normalize:
    """ImageNet's constants for 3 channels; mean 0.5 and deviation 0.25 for any other number."""
    if channels == 3:
        return Normalize(IMAGENET_MEAN, IMAGENET_STD)
    return Normalize((0.5,) * channels, (0.25,) * channels)


def convolution(inputs: int, outputs: int, norm: Norm) -> nn.Sequential:
    """3x3 convolution, norm, ReLU: size stays."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), norm(outputs), nn.ReLU(inplace=True)
    )


class Residual(nn.Module):
    """x plus two convolutions of x."""

    def __init__(self, channels: int, norm: Norm) -> None:
        super().__init__()
        self.first = convolution(channels, channels, norm)
        self.second = convolution(channels, channels, norm)

    def forward(self, maps: Tensor) -> Tensor:
        """Maps [B,c,h,w] of the same shape."""
        result: Tensor = maps + self.second(self.first(maps))
        return result


class ResNet9Trunk(nn.Module):
    """The convolutions of ResNet-9: a stem and three stages that halve the size.

    Args:
        in_channels: of an image.
        width: channels of the stem; the stages have 2, 4 and 8 times as many.
        norm: makes the norm of so many channels.
    """

    def __init__(self, in_channels: int, width: int, norm: Norm) -> None:
        super().__init__()
        self.stem = convolution(in_channels, width, norm)
        self.stage1 = self._down(width, 2 * width, norm, residual=True)
        self.stage2 = self._down(2 * width, 4 * width, norm, residual=False)
        self.stage3 = self._down(4 * width, 8 * width, norm, residual=True)

    @staticmethod
    def _down(inputs: int, outputs: int, norm: Norm, *, residual: bool) -> nn.Sequential:
        parts: list[nn.Module] = [convolution(inputs, outputs, norm), nn.MaxPool2d(2)]
        return nn.Sequential(*parts, *([Residual(outputs, norm)] if residual else []))

    def maps(self, images: Tensor) -> tuple[Tensor, ...]:
        """Maps at 1, 1/2, 1/4 and 1/8 of the side."""
        stem = self.stem(images)
        first = self.stage1(stem)
        second = self.stage2(first)
        return stem, first, second, self.stage3(second)


class ResNet9(Backbone):
    """ResNet-9: 3x3 stem; conv-pool, residual; conv-pool; conv-pool, residual.

    Args:
        width: channels of the stem, 1..1024; `dim` is 8 times the width.
        in_channels: of an image.
        norm: makes the norm of so many channels; batch norm by default.

    Source: the layout that the DAWNBench entries for CIFAR-10 made common.
    """

    def __init__(self, width: int = 16, in_channels: int = 3, norm: Norm | None = None) -> None:
        super().__init__()
        self.normalize = normalize_for(in_channels)
        self.trunk = ResNet9Trunk(in_channels, width, norm or nn.BatchNorm2d)
        self.stage_dims = (width, 2 * width, 4 * width, 8 * width)
        self.dim = 8 * width
        self.source = f"own:resnet9:{width}"

    def stages(self, images: Tensor) -> tuple[Tensor, ...]:
        """Maps f1..f4 at 1, 1/2, 1/4 and 1/8 of the side."""
        return self.trunk.maps(self.normalize(images))
