"""Recipes of two views: SimCLR, MoCo v1 and v2, BYOL."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, Self

from presight.core.batch import Batch, Views
from presight.core.draw import Draw
from presight.views.augmented import Augmented, check_sized
from presight.views.params import ViewParams
from presight.views.render import render

PAIR = {"views": "[2B,3,s,s], all first views, then all second views"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pair(Augmented):
    """Two views of each image.

    Args:
        blur: probability of blurring the first and the second view; None takes the recipe's
            value for the size.
        solarize: probability of solarizing the first and the second view.
    """

    keys: ClassVar[dict[str, str]] = PAIR
    early_gray: ClassVar[bool] = False

    blur: tuple[float, float] | None = None
    solarize: tuple[float, float] = (0.0, 0.0)

    def sized(self, size: int) -> Self:
        """This recipe at a view's side of `size` pixels."""
        sized = super().sized(size)
        blur = (0.0, 0.0) if sized.blur is None else sized.blur
        return dataclasses.replace(sized, blur=blur)

    def drawn(self, batch: Batch, draw: Draw) -> list[ViewParams]:
        """The parameters of the first and of the second view."""
        size, blur = check_sized(self), self.blur or (0.0, 0.0)
        return [
            self.one(
                batch,
                draw.fork(f"view{k}"),
                size,
                blur=blur[k] if any(blur) else None,
                solarize=self.solarize[k] if any(self.solarize) else None,
                early_gray=self.early_gray,
            )
            for k in (0, 1)
        ]

    def __call__(self, batch: Batch, draw: Draw) -> Views:
        """Two views of each image, under `views`."""
        return {"views": render(batch, self.drawn(batch, draw), self.size, self.executor)}


@dataclasses.dataclass(frozen=True, kw_only=True)
class SimCLRPair(Pair):
    """SimCLR's two views; below 64 pixels half the color strength and no blur.

    Source: Chen, Kornblith, Norouzi, Hinton: A Simple Framework for Contrastive Learning of
    Visual Representations (2020), appendix A and B.9 (CIFAR). The blur's kernel ends at three
    sigma instead of at a tenth of the side.
    """

    name: ClassVar[str] = "simclr"

    def sized(self, size: int) -> Self:
        """This recipe at a view's side of `size` pixels."""
        small = size < 64
        strength, blur = self.strength, self.blur
        if strength is None:
            strength = 0.5 if small else 1.0
        if blur is None:
            blur = (0.0, 0.0) if small else (0.5, 0.5)
        return dataclasses.replace(self, size=size, strength=strength, blur=blur)


@dataclasses.dataclass(frozen=True, kw_only=True)
class MoCoV1Pair(Pair):
    """MoCo v1's query and key view: gray first, jitter always, no blur.

    Source: He, Fan, Wu, Xie, Girshick: Momentum Contrast (2019) and its released code.
    """

    name: ClassVar[str] = "moco-v1"
    early_gray: ClassVar[bool] = True

    scale: tuple[float, float] = (0.2, 1.0)
    color: tuple[float, float, float, float] = (0.4, 0.4, 0.4, 0.4)
    jitter: float = 1.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class MoCoV2Pair(Pair):
    """MoCo v2's query and key view; no blur below 64 pixels.

    Source: Chen, Fan, Girshick, He: Improved Baselines with Momentum Contrastive Learning (2020)
    and its released code.
    """

    name: ClassVar[str] = "moco-v2"

    scale: tuple[float, float] = (0.2, 1.0)
    color: tuple[float, float, float, float] = (0.4, 0.4, 0.4, 0.1)

    def sized(self, size: int) -> Self:
        """This recipe at a view's side of `size` pixels."""
        blur = self.blur
        if blur is None:
            blur = (0.0, 0.0) if size < 64 else (0.5, 0.5)
        return dataclasses.replace(super().sized(size), blur=blur)


@dataclasses.dataclass(frozen=True, kw_only=True)
class BYOLPair(Pair):
    """BYOL's two views, which differ: blur 1 and 0.1, solarize 0 and 0.2; no blur below 64 pixels.

    Source: Grill et al.: Bootstrap Your Own Latent (2020), appendix B.
    """

    name: ClassVar[str] = "byol"

    color: tuple[float, float, float, float] = (0.4, 0.4, 0.2, 0.1)
    solarize: tuple[float, float] = (0.0, 0.2)

    def sized(self, size: int) -> Self:
        """This recipe at a view's side of `size` pixels."""
        blur = self.blur
        if blur is None:
            blur = (0.0, 0.0) if size < 64 else (1.0, 0.1)
        return dataclasses.replace(super().sized(size), blur=blur)
