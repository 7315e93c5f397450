"""Pose: how an object is turned, as a whole turn in space or as which way its top leans."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from presight.core.backbone import Backbone
from presight.core.batch import Batch, Views
from presight.core.draw import Draw
from presight.core.recipe import Recipe
from presight.data.scenes.pose import five_poses, matrices
from presight.errors import DataError
from presight.evaluation.tasks.classification import Classes, Classification
from presight.evaluation.tasks.task import (
    Answer,
    Headed,
    Influence,
    Judged,
    Metric,
    Sizes,
    Task,
    require,
)
from presight.evaluation.tasks.turns import (
    degrees_apart,
    matrices_of_six,
    mean_turn,
    quaternions,
    squared_chord,
)
from presight.views.single import Center, PadCrop

if TYPE_CHECKING:
    from presight.data.canvas import Images
    from presight.data.source import Labelled

NEAR = 30.0
"""Degrees within which a turn counts as right."""

_ROUNDING = 1e-3  # of a quaternion's length

LEANS = ("upright", "leans to +x", "leans to +y", "leans to -x", "leans to -y")
"""Classes of the object's up axis, in the world; upright is within 22.5 degrees."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Turned(Recipe):
    """Views of another recipe, and how the object in each image is turned.

    Args:
        base: makes `view`, without mirroring: a mirrored object is another object.
        turns: float32 [N, 4], quaternions by sample.
        symmetry: int64 [N], by sample.
    """

    name: ClassVar[str] = "turned"
    keys: ClassVar[dict[str, str]] = {
        "view": "[B,3,s,s], one view of each image",
        "turn": "[B,4], quaternions w, x, y, z",
        "symmetry": "int64 [B]",
    }

    base: Recipe
    turns: Tensor
    symmetry: Tensor

    def __call__(self, batch: Batch, draw: Draw) -> Views:
        """`view`, `turn` and `symmetry`."""
        index = batch.index
        turn, symmetry = (held.to(index.device)[index] for held in (self.turns, self.symmetry))
        return {**self.base(batch, draw), "turn": turn, "symmetry": symmetry}


class Pose(Task):
    """How an object is turned, as a quaternion; distances are the least over its symmetries.

    Args:
        turns: float32 [N, 4], w, x, y, z, by sample of the labelled set.
        symmetry: int64 [N], turns about the object's z axis that leave it as it is: 0 none, 1 half
            a turn, 2 any.
    """

    name: ClassVar[str] = "pose"
    reads: ClassVar[str] = "pose"
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("accuracy at 30 degrees"),
        Metric("median error", higher_is_better=False, unit="degrees"),
    )

    def __init__(self, turns: Tensor, symmetry: Tensor) -> None:
        self.turns, self.symmetry, self.names = turns, symmetry, ()

    @classmethod
    def of(
        cls,
        source: Labelled[Any],
        images: Images,
        *,
        names: Sequence[str] | None = None,
        size: int = 0,
    ) -> Self:
        """The task of a source with quaternions, of length 1; see `Task.of`."""
        require(source, images)
        targets = [source.target(i) for i in range(len(source))]
        turns = torch.from_numpy(np.stack([target.quaternion for target in targets]))
        lengths = turns.norm(dim=1)
        wrong = (~((lengths - 1).abs() < _ROUNDING)).nonzero()[:, 0]
        if len(wrong):
            row = int(wrong[0])
            raise DataError(
                f"{source.identity(row)}: its quaternion has the length {lengths[row]:.4g}, not 1; "
                f"{len(wrong):,} are like that. Divide each by its length."
            )
        return cls(turns, torch.tensor([target.symmetry for target in targets]))

    @classmethod
    def unlabelled(cls, names: Sequence[str], settings: Mapping[str, Any]) -> Self:
        """The task without turns; see `Task.unlabelled`."""
        return cls(torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64))

    def answers(self, model: Headed, images: Tensor, sizes: Sizes) -> list[Answer]:
        """Quaternions float32 [4], w, x, y, z, w >= 0."""
        return list(self.predict(model, images).cpu().numpy())

    def truth(self, row: int) -> Answer:
        """Its quaternion, w >= 0."""
        turn = self.turns[row]
        return (turn if turn[0] >= 0 else -turn).numpy()

    @property
    def strata(self) -> Tensor:
        """The same for all."""
        return torch.zeros(len(self.turns), dtype=torch.int64)

    def model(self, backbone: Backbone) -> Headed:
        """One linear layer to two vectors, begun at no turn at all."""
        head = nn.Linear(backbone.dim, 6)
        nn.init.zeros_(head.weight)
        with torch.no_grad():
            head.bias.copy_(torch.eye(3)[:2].reshape(6))
        return Headed(backbone, head)

    def views(self, size: int, *, augment: bool) -> Recipe:
        """Shifts by up to an eighth, never mirrored or stretched; or the center."""
        return Turned(
            base=_upright(size, augment), turns=self.turns, symmetry=self.symmetry, size=size
        )

    def losses(self, model: Headed, views: Views) -> Mapping[str, Tensor]:
        """Squared chordal distance of matrices, in [0, 8]."""
        found = matrices_of_six(model(views["view"]).float())
        chord = squared_chord(found, matrices(views["turn"]), views["symmetry"])
        return {"squared chord": chord.mean()}

    def predict(self, model: Headed, images: Tensor) -> Tensor:
        """Quaternions float [B, 4], w, x, y, z, w >= 0."""
        return quaternions(matrices_of_six(model(images).float()))

    def judge(self, predictions: Tensor, rows: Tensor) -> Tensor:
        """The quaternions themselves, on the CPU."""
        return predictions.cpu()

    def score(self, judged: Judged, rows: Tensor) -> Mapping[str, Influence]:
        """Share of turns less than 30 degrees off, and the median geodesic distance."""
        found = torch.as_tensor(judged)
        errors = degrees_apart(found, self.turns[rows], self.symmetry[rows]).double().numpy()
        near, median = (metric.name for metric in self.metrics)
        return {near: (errors < NEAR).astype(np.float64), median: median_influence(errors)}

    def blind(self, rows: Tensor, tested: Self, test_rows: Tensor) -> Judged:
        """The mean turn of the rows, whatever the image; symmetries are left out of it."""
        return mean_turn(self.turns[rows]).expand(len(test_rows), 4)


class FivePoses(Classification):
    """Which way an object's top leans, in five classes: see `LEANS`.

    Source: Newell and Deng, How Useful is Self-Supervised Pretraining for Visual Tasks?, CVPR 2020,
    whose pose task it is. They mirror images and keep the class; here nothing is mirrored.
    """

    name: ClassVar[str] = "pose5"
    reads: ClassVar[str] = "pose"

    @classmethod
    def of(
        cls,
        source: Labelled[Any],
        images: Images,
        *,
        names: Sequence[str] | None = None,
        size: int = 0,
    ) -> Self:
        """The task of a source with quaternions; see `Task.of`."""
        return cls(pose5(Pose.of(source, images).turns), len(LEANS), LEANS)

    def views(self, size: int, *, augment: bool) -> Recipe:
        """Shifts by up to an eighth, never mirrored; or the center."""
        return Classes(base=_upright(size, augment), labels=self.labels, size=size)


def pose5(quaternion: Tensor) -> Tensor:
    """Classes into `LEANS`, int64 [n], of quaternions [n, 4].

    0 where the object's up axis is less than 22.5 degrees off the world's, else 1 + the quadrant
    of the direction in which it leans, with edges at +-45 and +-135 degrees from +x.
    """
    return five_poses(quaternion.mT)


def median_influence(values: NDArray[np.float64]) -> Influence:
    """Influence of each value on their median: sign(value - median) / (2 f(median)).

    The density f is that of about 2 sqrt(n) values around the median, as in Bloch and Gastwirth
    (1968); leaving out one value at a time does not estimate a median's error at all.

    Args:
        values: [n].

    Returns:
        float64 [n], whose mean is the median.
    """
    count, median = len(values), np.median(values)
    reach = min(0.5, 1 / math.sqrt(count))
    low, high = np.quantile(values, [0.5 - reach, 0.5 + reach])
    apart = np.sign(values - median) * (high - low) / (4 * reach)
    influence: Influence = median + apart - apart.mean()
    return influence


def _upright(size: int, augment: bool) -> Recipe:
    """Views in which nothing is mirrored or stretched."""
    base: Recipe = PadCrop(flip=0.0) if augment else Center()
    return base.sized(size)
