"""A small vision transformer of our own, for small images and CPUs."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from presight.core.backbone import TokenBackbone
from presight.errors import UsageError
from presight.nn.catalog import HEAD_WIDTH
from presight.nn.native import normalize_for

BLOCKS = 6
TAPS = (2, 4, 6)
"""After how many blocks the maps are taken."""


def patch_side(image_size: int) -> int:
    """Side of a patch, pixels: 4 below 64 pixels, 8 below 128, 16 from there on."""
    return 4 if image_size < 64 else 8 if image_size < 128 else 16


def positions(height: int, width: int, grid: int, like: Tensor) -> Tensor:
    """Sines and cosines of where the patches of an image are, [height * width, D].

    Args:
        height: patches from top to bottom.
        width: patches from left to right.
        grid: patches a side of the images that the network is made for: other images are laid over
            the same square, so that a place keeps its code at any size.
        like: float [..., D] of the same kind; D is a multiple of 4.

    Source: Vaswani et al. 2017, section 3.5, half of the channels for each axis.
    """
    quarter = like.shape[-1] // 4
    rates = 10000.0 ** (-torch.arange(quarter, device=like.device) / quarter)
    axes = []
    for count in (height, width):
        angles = (torch.arange(count, device=like.device) + 0.5)[:, None] * (grid / count) * rates
        axes.append(torch.cat([angles.sin(), angles.cos()], 1))
    down, across = axes
    both = (down[:, None].expand(-1, width, -1), across[None].expand(height, -1, -1))
    return torch.cat(both, 2).flatten(0, 1).to(like.dtype)


class Block(nn.Module):
    """Attention among tokens and two layers on each, both on normed tokens and added to them.

    Args:
        width: of a token, a multiple of 32; a head has 32.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.heads = width // HEAD_WIDTH
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.projection = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.layers = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens [B, n, width]."""
        parts = self.qkv(self.norm1(tokens)).unflatten(2, (3, self.heads, HEAD_WIDTH))
        queries, keys, values = parts.permute(2, 0, 3, 1, 4)
        mixed = scaled_dot_product_attention(queries, keys, values).transpose(1, 2).flatten(2)
        tokens = tokens + self.projection(mixed)
        result: Tensor = tokens + self.layers(self.norm2(tokens))
        return result


class ViTTrunk(nn.Module):
    """Patches to tokens, six blocks and a norm; no weight depends on the size of an image.

    Args:
        in_channels: of an image.
        width: of a token.
        patch: side of a patch, pixels.
    """

    def __init__(self, in_channels: int, width: int, patch: int) -> None:
        super().__init__()
        self.patches = nn.Conv2d(in_channels, width, patch, stride=patch)
        self.blocks = nn.ModuleList(Block(width) for _ in range(BLOCKS))
        self.norm = nn.LayerNorm(width)
        nn.init.xavier_uniform_(self.patches.weight.flatten(1))  # a view: the weight is filled
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)


class ViT(TokenBackbone):
    """A vision transformer of six blocks, without a class token: features are the tokens' mean.

    Norms come before attention and layers (pre-norm), positions are fixed sines and cosines, so an
    image may have any size from one patch on; what is left of a patch at its right and lower edge
    is not seen.

    Args:
        width: of a token, a multiple of 32; `dim` is the same.
        image_size: side of an image, pixels: it decides the patch, 4, 8 or 16 (`patch_side`).
        in_channels: of an image.

    Source: Dosovitskiy et al., An Image is Worth 16x16 Words, ICLR 2021, in a small size; the mean
    and fixed positions as in Beyer, Zhai, Kolesnikov, Better plain ViT baselines, 2022.
    """

    def __init__(self, width: int = 128, image_size: int = 32, in_channels: int = 3) -> None:
        super().__init__()
        self.patch = patch_side(image_size)
        self.grid = max(1, image_size // self.patch)
        self.normalize = normalize_for(in_channels)
        self.trunk = ViTTrunk(in_channels, width, self.patch)
        self.stage_dims = (width,) * len(TAPS)
        self.dim = width
        self.source = f"own:vit:{width}"

    def stages(self, images: Tensor) -> tuple[Tensor, ...]:
        """Maps f1..f3 [B, width, h // patch, w // patch]: normed tokens of each two blocks."""
        tokens, (height, width) = self._embedded(images)
        maps = []
        for i, block in enumerate(self.trunk.blocks, 1):
            tokens = block(tokens)
            if i in TAPS:
                maps.append(self.trunk.norm(tokens).transpose(1, 2).unflatten(2, (height, width)))
        return tuple(maps)

    def tokens(self, images: Tensor, keep: Tensor | None = None) -> Tensor:
        """Normed tokens [B, n, dim] of the patches, row by row.

        Args:
            images: float [B,C,h,w] in [0, 1].
            keep: int64 [B, m], the patches that are seen, in the order of the answer; None is all.
        """
        tokens, _ = self._embedded(images)
        if keep is not None:
            tokens = tokens.gather(1, keep[..., None].expand(-1, -1, self.dim))
        for block in self.trunk.blocks:
            tokens = block(tokens)
        normed: Tensor = self.trunk.norm(tokens)
        return normed

    def _embedded(self, images: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """Patches with their positions [B, n, dim], and how many there are down and across."""
        if not torch.compiler.is_compiling() and min(images.shape[2:]) < self.patch:
            raise UsageError(
                f"images of {' x '.join(map(str, images.shape[2:]))} pixels are smaller than a "
                f"patch of {self.source}, which is {self.patch} x {self.patch}; take larger ones."
            )
        found = self.trunk.patches(self.normalize(images))
        height, width = found.shape[2:]
        tokens = found.flatten(2).transpose(1, 2)
        return tokens + positions(height, width, self.grid, tokens), (height, width)
