"""Depth: meters for each pixel, the share within a factor of 1.25, relative error, RMSE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from presight.data.canvas import Images
from presight.data.source import Labelled
from presight.data.targets import DepthTarget
from presight.errors import DataError
from presight.evaluation.tasks.dense import (
    Dense,
    Head,
    Plane,
    Planes,
    enlarged,
    no_planes,
    share,
)
from presight.evaluation.tasks.task import (
    Answer,
    Headed,
    Influence,
    Judged,
    Metric,
    Sizes,
    require,
)

NEAREST, FARTHEST = 1e-3, 1e4
"""Meters that answers are kept between."""

_FACTORS = {f"delta 1.25{power}": 1.25**k for k, power in enumerate(("", "^2", "^3"), start=1)}
_ERRORS = {"AbsRel": "%", "RMSE": "m"}
_POOLED = " by pixel"


def _metrics(suffix: str) -> tuple[Metric, ...]:
    deltas = (Metric(name + suffix) for name in _FACTORS)
    errors = (Metric(name + suffix, False, unit) for name, unit in _ERRORS.items())
    return (*deltas, *errors)


class Depth(Dense):
    """How far each pixel's surface is along the optical axis.

    It learns by the L1 distance of logarithms: that is the distance delta counts (a factor of 1.25
    up or down is log 1.25 either way), it needs no unit, and answers are positive by themselves.
    Views are never cropped: what is closer up looks nearer.

    Figures are means over images of each image's own figure, over its pixels of known depth (the
    convention of AdaBins and most papers since Eigen et al. 2014); those called "by pixel" pool the
    pixels of all images. Images without a known depth count in neither; see `skipped`.

    Args:
        planes: meters, float32; 0 where the depth is not known.
        head: linear or fcn; see `dense_head`.
    """

    name: ClassVar[str] = "depth"
    reads: ClassVar[str] = "depth"
    metrics: ClassVar[tuple[Metric, ...]] = (*_metrics(""), *_metrics(_POOLED))

    def __init__(self, planes: Planes, head: Head = "linear") -> None:
        super().__init__(planes, 1, head, scale=1.0)
        self.names = ()

    @classmethod
    def of(
        cls,
        source: Labelled[DepthTarget],
        images: Images,
        *,
        names: Sequence[str] | None = None,
        size: int = 0,
        head: Head = "linear",
    ) -> Self:
        """The task of a source with a depth of each pixel; see `Task.of`.

        Args:
            source: the set.
            images: its images.
            names: has no part in it.
            size: nor has this.
            head: linear or fcn.
        """
        require(source, images)

        def read(row: int) -> Plane:
            target = source.target(row)
            return np.where(target.valid, target.depth, np.float32(0))

        return cls(Planes(source, read), head)

    @classmethod
    def unlabelled(cls, names: Sequence[str], settings: Mapping[str, Any]) -> Self:
        """The task without depths; see `Task.unlabelled`."""
        return cls(no_planes(), settings["head"])

    def answers(self, model: Headed, images: Tensor, sizes: Sizes) -> list[Answer]:
        """Meters float32 [height, width]."""
        found = zip(self.predict(model, images), sizes, strict=True)
        return [meters(logs, size).cpu().numpy() for logs, size in found]

    @property
    def strata(self) -> Tensor:
        """The same for all."""
        return torch.zeros(len(self.planes), dtype=torch.int64)

    def known(self, label: Tensor) -> Tensor:
        """Where there is a depth."""
        return label > 0

    def constant(self, label: Tensor) -> Tensor:
        """The median."""
        return label[label > 0].median().log()[None]

    def compared(self, answers: Tensor, label: Tensor) -> Mapping[str, Tensor]:
        """Mean distance of logarithms."""
        known = label > 0
        distances = (answers[:, 0] - torch.where(known, label, 1.0).log()).abs()
        return {"log distance": (distances * known).sum() / known.sum().clamp(min=1)}

    def judge(self, predictions: Tensor, rows: Tensor) -> Tensor:
        """Sums over each image's pixels of known depth, float64 [B, 6].

        Pixels; those within 1.25, 1.25^2 and 1.25^3; sum of |p - g| / g; sum of (p - g)^2.

        Args:
            predictions: logarithms of meters [B, 1, h, w].
            rows: int64 [B].
        """
        found = torch.zeros(len(rows), 6, dtype=torch.float64)
        for row, (logs, plane) in enumerate(zip(predictions, self.planes.of(rows), strict=True)):
            answer = meters(logs, plane.shape)
            truth = torch.from_numpy(plane).to(answer.device)
            found[row] = sums(answer[truth > 0], truth[truth > 0])
        return found

    def score(self, judged: Judged, rows: Tensor) -> Mapping[str, Influence]:
        """Every figure by both conventions.

        Args:
            judged: float64 [n, 6], from `judge`.
            rows: int64 [n].

        Raises:
            DataError: no image has a known depth.
        """
        held = torch.as_tensor(judged)
        pixels, parts = held[:, 0], held[:, 1:]
        counts = (pixels > 0).double()
        if not bool(counts.any()):
            raise DataError("no pixel of the test images has a depth; label some of them.")
        own = parts / pixels.clamp(min=1)[:, None]
        own[:, -1].sqrt_()
        names = (*_FACTORS, *_ERRORS)
        found = {name: share(own[:, k], counts) for k, name in enumerate(names)}
        pooled = {name + _POOLED: share(parts[:, k], pixels) for k, name in enumerate(names)}
        square = pooled["RMSE" + _POOLED]
        root = np.sqrt(square.mean())
        # The square root's derivative; where nothing is wrong, no image is.
        pooled["RMSE" + _POOLED] = root + (square - root**2) / (2 * root) if root else square
        return found | pooled

    def skipped(self, judged: Judged) -> int:
        """How many images have no known depth, and count in no figure."""
        return int((torch.as_tensor(judged)[:, 0] == 0).sum())

    def blind(self, rows: Tensor, tested: Self, test_rows: Tensor) -> Judged:
        """Everywhere the median of the images' medians."""
        medians = [np.median(plane[plane > 0]) for plane in self.planes.of(rows) if plane.any()]
        if not medians:
            raise DataError("no labelled image has a pixel of known depth; label some of them.")
        answer = torch.full((len(test_rows), 1, 1, 1), float(np.log(np.median(medians))))
        return tested.judge(answer, test_rows)


def meters(logs: Tensor, size: tuple[int, ...]) -> Tensor:
    """Float [H, W] of logarithms [1, h, w], enlarged."""
    return enlarged(logs[None], size)[0, 0].exp().clamp(NEAREST, FARTHEST)


def sums(answer: Tensor, truth: Tensor) -> Tensor:
    """What `Depth.judge` keeps of an image, float64 [6], from meters [n] > 0."""
    p, g = answer.double(), truth.double()
    factor = torch.maximum(p / g, g / p)
    within = [factor < limit for limit in _FACTORS.values()]
    parts = (torch.ones_like(g), *within, (p - g).abs() / g, (p - g).square())
    return torch.stack([part.double().sum() for part in parts]).cpu()
