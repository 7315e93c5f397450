"""Keypoints: named points of the one object in an image, read off heat maps."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from presight.core.backbone import Backbone
from presight.core.batch import Batch, Views
from presight.core.draw import Draw
from presight.core.recipe import Recipe
from presight.data.labels.problems import Problem
from presight.data.pack import source_sizes
from presight.data.source import shown
from presight.errors import DataError
from presight.evaluation.tasks.geometry import Framed, extents, mirrored, places
from presight.evaluation.tasks.heatmaps import HeatMaps, decoded, gaussians
from presight.evaluation.tasks.oks import average_precision, coco_sigmas, similarity
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

if TYPE_CHECKING:
    from presight.data.canvas import Images
    from presight.data.source import Labelled
    from presight.data.targets import KeypointsTarget

NEAR = 0.1
"""Share of the object's size within which a point counts as right."""

QUARTER = 4
"""Side of a view over that of its heat maps."""


class Mapped(Headed):
    """A backbone with heat maps on its last map."""

    pooled = False

    def forward(self, images: Tensor) -> Tensor:
        """Logits [B, k, s / 4, s / 4] of views [B, 3, s, s]."""
        side = max(1, images.shape[-1] // QUARTER)
        answer: Tensor = self.head(self.backbone.stages(images)[-1], side)
        return answer


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Pointed(Recipe):
    """Framed views and where the points lie in them.

    Args:
        base: draws the views.
        points: float32 [N, k, 2], by sample, pixels of the picture.
        visible: bool [N, k].
        originals: int64 [N, 2], height and width of the pictures.
        mirrored: for each point which one it is in a mirror.
    """

    name: ClassVar[str] = "pointed"
    keys: ClassVar[dict[str, str]] = {
        "view": "[B,3,s,s], one view of each image",
        "points": "[B,k,2], x and y as shares of the view",
        "visible": "bool [B,k], known and in the view",
    }

    base: Framed
    points: NDArray[np.float32]
    visible: NDArray[np.bool_]
    originals: NDArray[np.int64]
    mirrored: tuple[int, ...]

    def __call__(self, batch: Batch, draw: Draw) -> Views:
        """`view`, `points` and `visible`."""
        view, order = self.base.params(batch, draw), list(self.mirrored)
        rows = batch.index.tolist()
        points, visible = self.points[rows].copy(), self.visible[rows].copy()
        for row, place in enumerate(places(batch, view, self.size, self.originals)):
            points[row] = place.points(points[row])
            if place.flip:
                points[row], visible[row] = points[row, order], visible[row, order]
        visible &= ((points >= 0) & (points <= self.size)).all(2)
        device = batch.index.device
        return {
            "view": self.base.drawn(batch, view),
            "points": torch.from_numpy(points / self.size).to(device),
            "visible": torch.from_numpy(visible).to(device),
        }


class Keypoints(Task):
    """Where the named points of an object are; of several objects the largest is the one.

    The object's size is the longer side of the box around its known points, or the square root of
    its area where that is more.

    Args:
        points: float32 [N, k, 2], x and y in pixels of the picture, by sample.
        visible: bool [N, k], which of them are known; at least one a sample.
        area: float32 [N], pixels, > 0.
        names: k names.
        originals: int64 [N, 2], height and width of the pictures.
        problems: what was left out.

    Attributes:
        sigmas: float64 [k], of the similarity OKS: COCO's for its 17 points, else 0.05.
        mirrored: for each point which one it is in a mirror; None where names do not say it, and
            then nothing is mirrored.
    """

    name: ClassVar[str] = "keypoints"
    reads: ClassVar[str] = "keypoints"
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("PCK@0.1"),
        Metric("OKS AP"),
        Metric("mean error", higher_is_better=False, unit="pixels"),
    )

    def __init__(
        self,
        points: NDArray[np.float32],
        visible: NDArray[np.bool_],
        area: NDArray[np.float32],
        names: Sequence[str],
        originals: NDArray[np.int64],
        problems: Sequence[Problem] = (),
    ) -> None:
        self.points, self.visible, self.area = points, visible, area
        self.names, self.originals, self.problems = tuple(names), originals, tuple(problems)
        self.sigmas = coco_sigmas(self.names)
        self.mirrored = mirrored(self.names)

    @classmethod
    def of(
        cls,
        source: Labelled[KeypointsTarget],
        images: Images,
        *,
        names: Sequence[str] | None = None,
        size: int = 0,
    ) -> Self:
        """The task of a source that is labelled with points; see `Task.of`."""
        require(source, images)
        targets = [source.target(i) for i in range(len(source))]
        bare = [i for i, target in enumerate(targets) if not len(target.area)]
        if bare:
            raise DataError(
                f"{len(bare):,} images have no keypoints, the first is "
                f"{shown(source.identity(bare[0]))}; leave them out of the labels."
            )
        largest = [int(target.area.argmax()) for target in targets]
        told = ("image of several objects with keypoints", "only the largest is used")
        several = (i for i, target in enumerate(targets) if len(target.area) > 1)
        problems = [Problem(source.identity(i), *told) for i in several]
        pairs = list(zip(targets, largest, strict=True))
        made = cls(
            np.stack([target.points[one] for target, one in pairs]),
            np.stack([target.visible[one] for target, one in pairs]),
            np.array([target.area[one] for target, one in pairs], np.float32),
            targets[0].names,
            source_sizes(source),
            problems,
        )
        made.check_names(made.names if names is None else names)
        return made

    @classmethod
    def unlabelled(cls, names: Sequence[str], settings: Mapping[str, Any]) -> Self:
        """The task of finding these points; see `Task.unlabelled`."""
        points = np.zeros((0, len(names), 2), np.float32)
        nowhere = np.zeros((0, 2), np.int64)
        return cls(points, np.zeros(points.shape[:2], np.bool_), points[:, 0, 0], names, nowhere)

    @property
    def strata(self) -> Tensor:
        """The same for all."""
        return torch.zeros(len(self.points), dtype=torch.int64)

    def model(self, backbone: Backbone) -> Mapped:
        """Heat maps on the last map, begun at zero: every place is as likely."""
        return Mapped(backbone, HeatMaps(backbone.stage_dims[-1], len(self.names)))

    def views(self, size: int, *, augment: bool) -> Recipe:
        """Random parts from half of the picture on, mirrored where names allow; or all of it."""
        base = Framed()
        if augment:
            base = Framed(scale=(0.5, 1.0), flip=0.5 if self.mirrored else 0.0, jitter=0.5)
        return Pointed(
            base=base.sized(size),
            points=self.points,
            visible=self.visible,
            originals=self.originals,
            mirrored=self.mirrored or tuple(range(len(self.names))),
            size=size,
        )

    def look(self, size: int) -> Recipe:
        """The whole picture."""
        return Framed(size=size)

    def answers(self, model: Headed, images: Tensor, sizes: Sizes) -> list[Answer]:
        """Float32 [k, 3], x and y in pixels of the picture, and the height of the peak."""
        return list((self.predict(model, images).cpu() * extents(sizes)).float().numpy())

    def truth(self, row: int) -> Answer:
        """Its points; the third number is 1 for those that are known."""
        return np.concatenate([self.points[row], self.visible[row][:, None]], 1, dtype=np.float32)

    def losses(self, model: Headed, views: Views) -> Mapping[str, Tensor]:
        """Cross-entropy between each point's heat map and a Gaussian, over known points."""
        logits = model(views["view"])
        wanted = gaussians(views["points"], logits.shape[-1])
        found = logits.flatten(2).log_softmax(2)
        by_point = -(wanted.flatten(2) * found).sum(2)
        known = views["visible"]
        return {"heat maps": (by_point * known).sum() / known.sum().clamp(min=1)}

    def predict(self, model: Headed, images: Tensor) -> Tensor:
        """Float [B, k, 3]: x and y as shares of the view, and the height of the peak in [0, 1]."""
        return decoded(model(images))

    def judge(self, predictions: Tensor, rows: Tensor) -> Tensor:
        """Float [B, k, 3]: x and y in pixels of the picture, and the height of the peak."""
        if predictions.shape[1] != len(self.names):
            raise DataError(
                f"the model finds {predictions.shape[1]} keypoints, the labels name "
                f"{len(self.names)}. Train and test labels must name the same points."
            )
        return predictions.cpu() * extents(self.originals[rows.numpy()])

    def score(self, judged: Judged, rows: Tensor) -> Mapping[str, Influence]:
        """PCK and error by image, then averaged; AP of OKS from 0.50 to 0.95."""
        found = torch.as_tensor(judged).double().numpy()
        chosen = rows.numpy()
        points, visible = self.points[chosen].astype(np.float64), self.visible[chosen]
        area = self.area[chosen].astype(np.float64)
        distance = np.linalg.norm(found[..., :2] - points, axis=2)
        near = distance <= NEAR * sizes(points, visible, area)[:, None]
        known = visible.sum(1)
        oks = similarity(distance, visible, area, self.sigmas)
        return {
            "PCK@0.1": (near & visible).sum(1) / known,
            "OKS AP": average_precision(oks, found[..., 2].mean(1)),
            "mean error": (distance * visible).sum(1) / known,
        }

    def blind(self, rows: Tensor, tested: Self, test_rows: Tensor) -> Judged:
        """Each point where it is on average in the rows, as shares of the picture.

        Raises:
            DataError: other points are tested than were learned.
        """
        tested.check_names(self.names)
        chosen = rows.numpy()
        visible = self.visible[chosen][..., None]
        shares = self.points[chosen] / self.originals[chosen][:, None, ::-1]
        known = visible.sum(0)
        mean = np.where(known, (shares * visible).sum(0) / known.clip(1), 0.5)
        answer = torch.cat([torch.from_numpy(mean), torch.ones(len(mean), 1)], 1).float()
        return answer * extents(tested.originals[test_rows.numpy()])

    def check_names(self, learned: Sequence[str]) -> None:
        """Stop where the points are not those that were learned, in their order.

        Raises:
            DataError: says which ones differ.
        """
        if self.names == tuple(learned):
            return
        new, gone = set(self.names) - set(learned), set(learned) - set(self.names)
        told = f"only in test: {', '.join(sorted(new)) or 'none'}; "
        told += f"only in train: {', '.join(sorted(gone)) or 'none'}"
        if not new and not gone:
            told = "they are the same in another order"
        raise DataError(f"train and test labels name different keypoints: {told}.")


def sizes(
    points: NDArray[np.float64], visible: NDArray[np.bool_], area: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Sizes of objects [n], pixels: the longer side of the known points' box, or sqrt(area)."""
    high = np.where(visible[..., None], points, -np.inf).max(1)
    low = np.where(visible[..., None], points, np.inf).min(1)
    longer: NDArray[np.float64] = np.maximum((high - low).max(1), np.sqrt(area))
    return longer
