"""From features and codes back to images, and the networks of adversarial methods."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from presight.errors import UsageError

LEAST_WIDTH = 32


def sides(image_size: int, least: int = 4) -> tuple[int, ...]:
    """Sides from a small map to the image, each at most twice the one before: 32 is 4 8 16 32."""
    chain = [image_size]
    while chain[0] >= 2 * least:
        chain.insert(0, (chain[0] + 1) // 2)
    return tuple(chain)


class Decoder(nn.Module):
    """A map back to an image: 1x1 convolution, then (nearest upsampling, 3x3, norm, ReLU) steps.

    Nearest upsampling instead of transposed convolutions leaves no checkerboards. Channels halve
    with every step, down to 32: at full width the last step of a 224-pixel image alone would cost
    seven times ResNet-50.

    Args:
        in_channels: of the map.
        image_size: side of the image, pixels.
        out_channels: of the image, or of a target map.
        width: channels after the 1x1 convolution.
    """

    def __init__(
        self, in_channels: int, image_size: int, out_channels: int = 3, width: int = 256
    ) -> None:
        super().__init__()
        self.sides = sides(image_size)
        self.enter = nn.Conv2d(in_channels, width, 1)
        widths = [max(LEAST_WIDTH, width >> k) for k in range(len(self.sides))]
        widths[0] = width
        self.steps = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(before, after, 3, padding=1, bias=False),
                nn.BatchNorm2d(after),
                nn.ReLU(inplace=True),
            )
            for before, after in zip([width, *widths], widths, strict=False)
        )
        self.leave = nn.Conv2d(widths[-1], out_channels, 3, padding=1)

    def forward(self, maps: Tensor) -> Tensor:
        """Float [B, out_channels, S, S], linear, of maps [B, in_channels, h, w], h <= S."""
        value = self.enter(maps)
        for side, step in zip(self.sides, self.steps, strict=True):
            if value.shape[-1] < side or side == self.sides[-1] != value.shape[-1]:
                value = F.interpolate(value, (side, side), mode="nearest")
            value = step(value)
        image: Tensor = self.leave(value)
        return image


class CodeDecoder(nn.Module):
    """A code back to an image: a linear layer to a small map, then `Decoder`.

    Args:
        dim: width of the code.
        image_size, out_channels, width: as of `Decoder`.
    """

    def __init__(self, dim: int, image_size: int, out_channels: int = 3, width: int = 256) -> None:
        super().__init__()
        self.width, self.side = width, sides(image_size)[0]
        self.grow = nn.Linear(dim, width * self.side**2)
        self.decode = Decoder(width, image_size, out_channels, width)

    def forward(self, codes: Tensor) -> Tensor:
        """Float [B, out_channels, S, S], linear, of codes [B, dim]."""
        maps = self.grow(codes).view(len(codes), self.width, self.side, self.side)
        image: Tensor = self.decode(F.relu(maps))
        return image


class CodeHead(nn.Module):
    """The last stage's map to a vector that keeps some geometry: grid of means, then linear.

    Args:
        channels: of the map.
        outputs: width of the vector.
        grid: side of the pooled map; 1 is mean pooling. Smaller maps are repeated.
    """

    def __init__(self, channels: int, outputs: int, grid: int = 4) -> None:
        super().__init__()
        self.grid = grid
        self.linear = nn.Linear(channels * grid**2, outputs)

    def forward(self, maps: Tensor) -> Tensor:
        """Float [B, outputs] of maps [B, channels, h, w]."""
        if maps.shape[-2:] != (self.grid, self.grid):
            maps = F.adaptive_avg_pool2d(maps, self.grid)
        vector: Tensor = self.linear(maps.flatten(1))
        return vector


def halvings(image_size: int) -> int:
    """How often an adversarial network halves the side: 3 at 32 pixels (4x4), 4 at 64 (4x4).

    Raises:
        UsageError: if the side is no multiple of 8, or below 16.
    """
    if image_size < 16 or image_size % 8:
        raise UsageError(
            f"a side of {image_size} pixels: adversarial networks halve it several times; expected "
            f"a multiple of 8 from 16 on, such as {max(16, image_size // 8 * 8)}."
        )
    count = 0
    while image_size >= 8 and image_size % 2 == 0:
        image_size //= 2
        count += 1
    return count


def initialize_adversarial(module: nn.Module) -> None:
    """DCGAN's initial weights: N(0, 0.02), norm gains N(1, 0.02), biases 0. For `Module.apply`."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        nn.init.normal_(module.weight, 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)


class Generator(nn.Module):
    """DCGAN's generator: linear to 4..7 pixels a side, then 4x4 transposed convolutions, stride 2.

    Args:
        dim: width of the code.
        image_size: a multiple of 8 from 16 on.
        width: channels before the last layer; they double towards the code, at most 8 times.
        channels: of the images that are drawn.
    """

    def __init__(self, dim: int, image_size: int, width: int = 64, channels: int = 3) -> None:
        super().__init__()
        count = halvings(image_size)
        self.side = image_size >> count
        widths = [width * min(8, 2**k) for k in reversed(range(count))]
        self.first = nn.Linear(dim, widths[0] * self.side**2, bias=False)
        parts: list[nn.Module] = [nn.BatchNorm2d(widths[0]), nn.ReLU(inplace=True)]
        for before, after in pairwise(widths):
            parts += [
                nn.ConvTranspose2d(before, after, 4, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(after),
                nn.ReLU(inplace=True),
            ]
        parts += [nn.ConvTranspose2d(widths[-1], channels, 4, stride=2, padding=1), nn.Tanh()]
        self.layers = nn.Sequential(*parts)
        self.apply(initialize_adversarial)

    def forward(self, codes: Tensor) -> Tensor:
        """Images float [B, channels, S, S] in [0, 1] of codes [B, dim]."""
        maps = self.first(codes).view(len(codes), -1, self.side, self.side)
        image: Tensor = self.layers(maps)
        return (image + 1.0) / 2.0


def critic_trunk(
    image_size: int, width: int = 64, channels: int = 3, norm: Literal["none", "batch"] = "none"
) -> tuple[nn.Sequential, int]:
    """DCGAN's discriminator without its last layer: 4x4 convolutions, stride 2, leaky ReLU 0.2.

    Args:
        image_size: a multiple of 8 from 16 on.
        width: channels of the first convolution; they double, up to 8 times.
        channels: of the images.
        norm: batch norm after all convolutions but the first, or none.

    Returns:
        The layers, from images in [-1, 1] to a flat vector, and the vector's width.
    """
    count = halvings(image_size)
    widths = [channels, *(width * min(8, 2**k) for k in range(count))]
    parts: list[nn.Module] = []
    for k, (before, after) in enumerate(pairwise(widths)):
        normed = norm == "batch" and k > 0
        parts.append(nn.Conv2d(before, after, 4, stride=2, padding=1, bias=not normed))
        parts += [nn.BatchNorm2d(after)] if normed else []
        parts.append(nn.LeakyReLU(0.2, inplace=True))
    return nn.Sequential(*parts, nn.Flatten()), widths[-1] * (image_size >> count) ** 2


class PairCritic(nn.Module):
    """Judges pairs of an image and a code: is it (x, E(x)) or (G(z), z)?

    Without batch norm, as ALI's: statistics of a batch that is all real or all fake would give the
    answer away.

    Args:
        dim: width of the code.
        image_size: a multiple of 8 from 16 on.
        width: channels of the first convolution.
        hidden: width of the layers on the code; the joint layer has twice as many.
        channels: of the images that are judged.
    """

    def __init__(
        self, dim: int, image_size: int, width: int = 64, hidden: int = 512, channels: int = 3
    ) -> None:
        super().__init__()
        self.image, flat = critic_trunk(image_size, width, channels)
        self.code = nn.Sequential(
            nn.Linear(dim, hidden),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Linear(hidden, hidden),
            nn.LeakyReLU(0.2, inplace=True),
        )
        self.joint = nn.Sequential(
            nn.Linear(flat + hidden, 2 * hidden),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Linear(2 * hidden, 1),
        )
        self.apply(initialize_adversarial)

    def forward(self, images: Tensor, codes: Tensor) -> Tensor:
        """Logits [B] of images float [B,C,S,S] in [0, 1] and codes [B, dim]."""
        seen = torch.cat([self.image(2.0 * images - 1.0), self.code(codes)], 1)
        logits: Tensor = self.joint(seen)
        return logits.squeeze(1)
