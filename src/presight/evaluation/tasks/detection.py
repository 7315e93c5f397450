"""Detection: boxes and classes of the objects in an image, average precision."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from presight.core.backbone import Backbone
from presight.core.batch import Batch, Views
from presight.core.draw import Draw
from presight.core.recipe import Recipe
from presight.data.canvas import Images
from presight.data.labels.problems import Problem
from presight.data.pack import source_sizes
from presight.data.source import Labelled, shown
from presight.data.targets import BoxesTarget
from presight.errors import DataError
from presight.evaluation.tasks.average_precision import (
    Detections,
    Matches,
    average_precisions,
    influences,
    matched,
)
from presight.evaluation.tasks.detectors import LARGE, Detector, Name, detector
from presight.evaluation.tasks.geometry import Framed, Place, places
from presight.evaluation.tasks.task import (
    Answer,
    Influence,
    Judged,
    Metric,
    Sizes,
    Task,
    rarest,
    require,
)

LEAST = 2.0
"""Width and height in pixels of a view from which on an object is learned."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Boxed(Recipe):
    """Views and the boxes of what they show, crowds left out.

    Args:
        base: makes `view`.
        targets: by sample.
        originals: int64 [N, 2], height and width of every picture.
    """

    name: ClassVar[str] = "boxed"
    keys: ClassVar[dict[str, str]] = {
        "view": "[B,3,s,s], one view of each image",
        "boxes": "float32 [n,4], x0, y0, x1, y1 in pixels of the view, half-open",
        "label": "int64 [n]",
        "owner": "int64 [n], row of the view that shows the object",
    }

    base: Framed
    targets: Sequence[BoxesTarget]
    originals: NDArray[np.int64]

    def __call__(self, batch: Batch, draw: Draw) -> Views:
        """`view`, and `boxes`, `label` and `owner` of all objects."""
        view = self.base.params(batch, draw)
        boxes, labels, owners = [], [], []
        for row, place in enumerate(places(batch, view, self.base.size, self.originals)):
            target = self.targets[int(batch.index[row])]
            moved = place.boxes(target.boxes)
            kept = (moved[:, 2:] - moved[:, :2]).min(1, initial=np.inf) >= LEAST
            kept &= ~target.crowd
            boxes.append(moved[kept])
            labels.append(target.labels[kept])
            owners.append(np.full(kept.sum(), row))
        device = batch.images.device
        return {
            "view": self.base.drawn(batch, view),
            "boxes": torch.from_numpy(np.concatenate(boxes)).to(device),
            "label": torch.from_numpy(np.concatenate(labels)).to(device),
            "owner": torch.from_numpy(np.concatenate(owners)).to(device),
        }


class Detection(Task):
    """Which objects an image shows, and where.

    Args:
        targets: by sample of the labelled set, in pixels of the pictures.
        originals: int64 [N, 2], height and width of every picture.
        names: of the classes.
        detector: `auto` takes CenterNet below 160 px, else Faster R-CNN.
        size: side of a view, pixels, which `auto` decides by.
        problems: labels that are not used.
    """

    name: ClassVar[str] = "detection"
    reads: ClassVar[str] = "detection"
    metrics: ClassVar[tuple[Metric, ...]] = (Metric("AP"), Metric("AP50"), Metric("AP75"))

    def __init__(
        self,
        targets: Sequence[BoxesTarget],
        originals: NDArray[np.int64],
        names: Sequence[str],
        *,
        detector: Name = "auto",
        size: int = 0,
        problems: Sequence[Problem] = (),
    ) -> None:
        self.targets, self.originals = tuple(targets), originals
        self.names, self.problems = tuple(names), tuple(problems)
        self.size = size or int(np.median(originals.min(1)))
        large: Name = "faster-rcnn" if self.size >= LARGE else "centernet"
        self.detector: Name = large if detector == "auto" else detector

    @classmethod
    def of(
        cls,
        source: Labelled[BoxesTarget],
        images: Images,
        *,
        names: Sequence[str] | None = None,
        size: int = 0,
        detector: Name = "auto",
    ) -> Self:
        """The task of a source with boxes; see `Task.of`.

        Args:
            source: the set.
            images: its images.
            names: of the classes that were learned, where the set is for a test: its objects are
                found by their class's name, those of others are left out, with a problem each.
            size: side of a view, pixels, which `auto` decides by; 0 takes the images' own.
            detector: see `Detection`.
        """
        require(source, images)
        names = tuple(source.classes if names is None else names)
        numbers = np.array([names.index(one) if one in names else -1 for one in source.classes])
        problems: list[Problem] = []
        targets = []
        for row in range(len(source)):
            target = source.target(row)
            label = numbers[target.labels] if len(target.labels) else target.labels
            for other in np.unique(target.labels[label < 0]):
                what = f"box of {shown(source.classes[other])!r}, a class that was not learned"
                count = int((target.labels == other).sum())
                problems.append(Problem(source.identity(row), what, "dropped", count))
            kept = label >= 0
            targets.append(BoxesTarget(target.boxes[kept], label[kept], target.crowd[kept],
                                       target.area[kept]))  # fmt: skip
        if not any((~target.crowd).any() for target in targets):
            raise DataError(_nothing(source.classes, names))
        originals = np.asarray(source_sizes(source))
        return cls(targets, originals, names, detector=detector, size=size, problems=problems)

    @classmethod
    def unlabelled(cls, names: Sequence[str], settings: Mapping[str, Any]) -> Self:
        """The task of finding these classes; see `Task.unlabelled`."""
        nowhere = np.zeros((0, 2), np.int64)
        return cls((), nowhere, names, detector=settings["detector"], size=settings["size"])

    @property
    def settings(self) -> Mapping[str, Any]:
        """Which detector, and the side that it is made for."""
        return {"detector": self.detector, "size": self.size}

    @property
    def strata(self) -> Tensor:
        """The rarest class that each image shows, by images."""
        present = np.zeros((len(self.targets), len(self.names)), np.bool_)
        for row, target in enumerate(self.targets):
            present[row, target.labels] = True
        return rarest(torch.from_numpy(present))

    def model(self, backbone: Backbone) -> Detector:
        """A detector of the chosen kind on the backbone's maps."""
        return detector(self.detector, backbone, len(self.names), self.size)

    def views(self, size: int, *, augment: bool) -> Recipe:
        """Parts (from 0.4 of the area), mirrored at random; or the whole picture."""
        base = Framed(size=size, scale=(0.4, 1.0), flip=0.5) if augment else Framed(size=size)
        return Boxed(base=base, targets=self.targets, originals=self.originals, size=size)

    def look(self, size: int) -> Recipe:
        """The whole picture."""
        return Framed(size=size)

    def answers(self, model: Detector, images: Tensor, sizes: Sizes) -> list[Answer]:  # type: ignore[override]
        """`Detections`, the surest first."""
        found = zip(model.detect(images), sizes, strict=True)
        return [in_pixels(one, height, width) for one, (height, width) in found]

    def truth(self, row: int) -> Answer:
        """Its objects as `Detections` of score 1, without crowds."""
        target = self.targets[row]
        boxes, label = target.boxes[~target.crowd], target.labels[~target.crowd]
        return Detections(boxes, np.ones(len(boxes), np.float32), label)

    def losses(self, model: Detector, views: Views) -> Mapping[str, Tensor]:  # type: ignore[override]
        """The detector's own."""
        return model.losses(views)

    def predict(self, model: Detector, images: Tensor) -> list[Detections]:  # type: ignore[override]
        """Boxes in shares of the view's side, with scores and classes."""
        return model.detect(images)

    def judge(self, predictions: Sequence[Detections], rows: Tensor) -> list[Matches]:
        """What was found, in pixels of the pictures, against what is there."""
        found = []
        for one, row in zip(predictions, rows.tolist(), strict=True):
            moved = in_pixels(one, *self.originals[row])
            found.append(matched(moved, self.targets[row], len(self.names)))
        return found

    def score(self, judged: Judged, rows: Tensor) -> Mapping[str, Influence]:
        """Over all overlaps from 0.50 to 0.95, at 0.50 and at 0.75; NaN where no object is."""
        whole, without = average_precisions(list(judged))
        levels = {"AP": slice(None), "AP50": slice(0, 1), "AP75": slice(5, 6)}
        return {name: influences(whole[at], without[:, at]) for name, at in levels.items()}

    def blind(self, rows: Tensor, tested: Self, test_rows: Tensor) -> list[Matches]:
        """The same for every image: of each class its middle box, as sure as it is common."""
        boxes, labels = [], []
        for row in rows.tolist():
            target, (height, width) = self.targets[row], self.originals[row]
            share = target.boxes[~target.crowd] / np.array([width, height, width, height])
            boxes.append(share)
            labels.append(target.labels[~target.crowd])
        box, label = np.concatenate(boxes), np.concatenate(labels)
        counts = np.bincount(label, minlength=len(self.names))
        seen = np.flatnonzero(counts)
        middle = [np.median(box[label == one], axis=0) for one in seen]
        answer = Detections(
            np.array(middle, dtype=np.float32).reshape(-1, 4),
            (counts[seen] / max(1, len(label))).astype(np.float32),
            seen.astype(np.int64),
        )
        return tested.judge([answer] * len(test_rows), test_rows)


def in_pixels(found: Detections, height: int, width: int) -> Detections:
    """What was found in a view of the whole picture, in the picture's pixels, the surest first."""
    whole = Place((0.0, 0.0, float(width), float(height)), False, 1)
    boxes = whole.back(found.boxes.reshape(-1, 2, 2)).reshape(-1, 4)
    order = np.argsort(-found.scores, kind="stable")
    return Detections(boxes[order], found.scores[order], found.labels[order])


def _nothing(there: Sequence[str], learned: Sequence[str]) -> str:
    """What to say of a set without an object."""
    if set(there) & set(learned):
        return "no image has a labelled object that counts; nothing to find."
    return (
        f"the labels show {_some(there)}, and none of the classes that were learned: "
        f"{_some(learned)}. Classes belong together by their names; rename them in the labels."
    )


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(shown(name) for name in names[:5]) + more if names else "nothing"
