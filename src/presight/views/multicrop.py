"""Recipes of global and local crops: SwAV and DINO."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, Self

from presight.core.batch import Batch, Views
from presight.core.draw import Draw
from presight.views.augmented import Augmented, check_sized
from presight.views.render import render


@dataclasses.dataclass(frozen=True, kw_only=True)
class MultiCrop(Augmented):
    """Two global crops and several small local ones of each image.

    Args:
        small_count: number of local crops.
        small_size: side of a local crop, pixels; None is 96 where a global crop has 224.
        small_scale: least and greatest share of the image's area that a local crop takes.
        blur: probability of blurring the first global, the second global and a local crop; None
            takes the recipe's value for the size.
        solarize: probability of solarizing the first global, the second global and a local crop.
    """

    keys: ClassVar[dict[str, str]] = {
        "views": "[2B,3,s,s], all first global crops, then all second ones",
        "small": "[small_count*B,3,t,t], local crops, crop-major; absent if small_count is 0",
    }
    paper_blur: ClassVar[tuple[float, float, float]] = (0.5, 0.5, 0.5)

    small_count: int = 6
    small_size: int | None = None
    small_scale: tuple[float, float] = (0.05, 0.14)
    blur: tuple[float, float, float] | None = None
    solarize: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def sized(self, size: int) -> Self:
        """This recipe at a global crop's side of `size` pixels; no blur below 64 pixels."""
        small = round(size * 96 / 224) if self.small_size is None else self.small_size
        blur = self.blur
        if blur is None:
            blur = (0.0, 0.0, 0.0) if size < 64 else self.paper_blur
        return dataclasses.replace(super().sized(size), small_size=small, blur=blur)

    def __call__(self, batch: Batch, draw: Draw) -> Views:
        """Global crops under `views`, local ones under `small`."""
        size, blur = check_sized(self), self.blur or (0.0, 0.0, 0.0)
        globals_ = [
            self.one(
                batch,
                draw.fork(f"view{k}"),
                size,
                blur=blur[k] if any(blur[:2]) else None,
                solarize=self.solarize[k] if any(self.solarize[:2]) else None,
            )
            for k in (0, 1)
        ]
        views = {"views": render(batch, globals_, size, self.executor)}
        side = self.small_size or round(size * 96 / 224)
        locals_ = [
            self.one(
                batch,
                draw.fork(f"small{k}"),
                side,
                scale=self.small_scale,
                blur=blur[2] or None,
                solarize=self.solarize[2] or None,
            )
            for k in range(self.small_count)
        ]
        if locals_:
            views["small"] = render(batch, locals_, side, self.executor)
        return views


@dataclasses.dataclass(frozen=True, kw_only=True)
class SwAVCrops(MultiCrop):
    """SwAV's two global and six local crops.

    Source: Caron, Misra, Mairal, Goyal, Bojanowski, Joulin: Unsupervised Learning of Visual
    Features by Contrasting Cluster Assignments (2020) and its released code.
    """

    name: ClassVar[str] = "swav"

    scale: tuple[float, float] = (0.14, 1.0)


@dataclasses.dataclass(frozen=True, kw_only=True)
class DINOCrops(MultiCrop):
    """DINO's two global and eight local crops; bilinear where the released code is bicubic.

    Source: Caron et al.: Emerging Properties in Self-Supervised Vision Transformers (2021) and
    its released code.
    """

    name: ClassVar[str] = "dino"
    paper_blur: ClassVar[tuple[float, float, float]] = (1.0, 0.1, 0.5)

    scale: tuple[float, float] = (0.4, 1.0)
    color: tuple[float, float, float, float] = (0.4, 0.4, 0.2, 0.1)
    small_count: int = 8
    small_scale: tuple[float, float] = (0.05, 0.4)
    solarize: tuple[float, float, float] = (0.0, 0.2, 0.0)
