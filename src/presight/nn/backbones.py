"""Backbones by name: `encoders` makes the factory that methods are given."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
import torchvision
from torch import nn

from presight.core.backbone import Backbone
from presight.errors import Unavailable, UsageError
from presight.nn import catalog
from presight.nn.native import Norm, ResNet9
from presight.nn.stages import FAMILIES
from presight.nn.vit import ViT
from presight.nn.wrapped import TimmBackbone, TorchvisionBackbone

Stem = Literal["auto", "small", "standard"]
SMALL_BELOW = 64
"""Side in pixels below which `auto` gives a network with two stems the small one."""


@dataclass(frozen=True)
class EncoderFactory:
    """Makes encoders of one kind; see `presight.core.backbone.Encoders`.

    Attributes:
        name: in the catalog's spelling.
        image_size: side of an image, pixels.
        small: whether a network with two stems gets the small one.
        channels: of an image, where a method asks for no other number.
    """

    name: str
    image_size: int
    small: bool
    channels: int = 3

    @property
    def source(self) -> str:
        """Where the layout comes from: `torchvision:resnet18`, `timm:NAME`, `own:resnet9:16`."""
        if self.name.startswith("timm/"):
            return f"timm:{self.name.removeprefix('timm/')}"
        if catalog.is_native(self.name):
            kind = self.name.partition(":")[0]
            return f"own:{kind}:{catalog.native_width(self.name)}"
        return f"torchvision:{self.name}" if catalog.family_of(self.name) else self.name

    def __call__(
        self, in_channels: int | None = None, width: float = 1.0, norm: Norm | None = None
    ) -> Backbone:
        """A new encoder with weights of its own, from torch's generator.

        Args:
            in_channels: of what it reads; None takes the images' own number.
            width: factor on all channels; resnets, AlexNet, VGGs, resnet9 and vit only.
            norm: makes the norm of so many channels, instead of each batch norm; a network
                without any stays as it is.

        Raises:
            UsageError: where the network cannot have the width or the norm.
        """
        channels = self.channels if in_channels is None else in_channels
        if catalog.is_native(self.name):
            return self._native(channels, catalog.native_width(self.name) * width, norm)
        if self.name.startswith("timm/"):
            return self._of_timm(channels, width, norm)
        if catalog.is_foreign(self.name):
            return _foreign(self.name, channels, width, norm)
        return TorchvisionBackbone(self.name, channels, width, norm, self.small)

    def _of_timm(self, channels: int, width: float, norm: Norm | None) -> Backbone:
        made = TimmBackbone(self.name.removeprefix("timm/"), self.image_size, channels)
        fixed = norm is not None and any(isinstance(m, nn.BatchNorm2d) for m in made.modules())
        if width != 1.0 or fixed:
            raise UsageError(
                f"backbone {self.name!r} has one width and one batch norm; this method needs "
                f"another: take a resnet or resnet9:WIDTH."
            )
        return made

    def _native(self, channels: int, width: float, norm: Norm | None) -> Backbone:
        if not self.name.startswith("vit"):
            return ResNet9(max(1, round(width)), channels, norm)
        step = catalog.HEAD_WIDTH
        return ViT(max(1, round(width / step)) * step, self.image_size, channels)


def _foreign(name: str, channels: int, width: float, norm: Norm | None) -> Backbone:
    module, _, function = name.partition(":")
    make: Any = getattr(importlib.import_module(module), function, None)
    if not callable(make):
        raise UsageError(
            f"backbone {name!r}: module {module!r} has no function {function!r}; expected one that "
            f"is called as {function}(in_channels, width, norm) and returns a Backbone."
        )
    made = make(channels, width, norm)
    if not isinstance(made, Backbone):
        raise UsageError(
            f"backbone {name!r} returned {type(made).__name__}; expected a "
            f"presight.core.backbone.Backbone with dim, stage_dims, source and stages()."
        )
    return made


def encoders(
    name: str, *, image_size: int, stem: Stem = "auto", channels: int = 3
) -> EncoderFactory:
    """A factory of encoders by name.

    Args:
        name: one of `catalog.names()`, timm/NAME, package.module:function, or a `source`.
        image_size: side of an image, pixels.
        stem: of a resnet: small (3x3, stride 1, no pooling), standard (7x7, stride 2, pooling);
            of AlexNet: small (3x3, stride 1), standard (11x11, stride 4). auto takes small below
            64 pixels. Other networks have one stem.
        channels: of an image.

    Raises:
        UsageError: for an unknown name, or the small stem of a network that has none.
        Unavailable: for timm/NAME without timm.
    """
    catalog.check(name)
    name = catalog.canonical(name)
    two = catalog.has_small_stem(name)
    if stem == "small" and not two and not catalog.is_native(name):
        raise UsageError(
            f"backbone {name!r} has no small stem; expected a resnet, alexnet, resnet9:WIDTH, "
            f"vit:WIDTH or stem auto."
        )
    small = two and (stem == "small" or (stem == "auto" and image_size < SMALL_BELOW))
    return EncoderFactory(name, image_size, small, channels)


def load_pretrained(backbone: Backbone, weights: str) -> Path:
    """Load torchvision's supervised weights, if their file is on disk already.

    Args:
        backbone: a TorchvisionBackbone of the same name.
        weights: torchvision:NAME.

    Returns:
        The file.

    Raises:
        UsageError: if the backbone's layout is another.
        Unavailable: if no file is in torch's cache; nothing is downloaded.
    """
    name = catalog.canonical(weights)
    altered = getattr(backbone, "altered", "")
    if backbone.source != f"torchvision:{name}" or altered:
        raise UsageError(
            f"{weights} does not fit the backbone {backbone.source}"
            f"{f' with {altered}' if altered else ''}; expected the same network, with "
            f"--stem standard."
        )
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    kinds: Any = torchvision.models.get_model_weights(name)
    files = [folder / Path(kind.url).name for kind in (kinds.DEFAULT, *kinds)]
    file = next((file for file in files if file.is_file()), None)
    if file is None:
        raise Unavailable(
            f"the weights of {weights} are not on disk; expected one of "
            f"{', '.join(sorted({file.name for file in files}))} in {folder}. presight does not "
            f"download weights: put the file there."
        )
    head = FAMILIES[catalog.family_of(name)].head + "."
    state = torch.load(file, map_location="cpu", weights_only=True)
    trunk: Any = backbone.trunk
    trunk.load_state_dict({key: value for key, value in state.items() if not key.startswith(head)})
    return file
