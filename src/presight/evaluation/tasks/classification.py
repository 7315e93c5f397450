"""Classification: one class an image, a linear head, accuracy."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from presight.core.backbone import Backbone
from presight.core.batch import Batch, Views
from presight.core.draw import Draw
from presight.core.recipe import Recipe
from presight.evaluation.labelled import answered
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
from presight.views.single import Crop, PadCrop

if TYPE_CHECKING:
    from presight.data.canvas import Images
    from presight.data.source import Labelled

SMALL = 64
"""Side in pixels below which learning shifts the picture by an eighth instead of cropping it."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Classes(Recipe):
    """Views of another recipe and the class of each image.

    Args:
        base: makes `view`.
        labels: int64 [N], by sample.
    """

    name: ClassVar[str] = "classes"
    keys: ClassVar[dict[str, str]] = {
        "view": "[B,3,s,s], one view of each image",
        "label": "int64 [B]",
    }

    base: Recipe
    labels: Tensor

    def __call__(self, batch: Batch, draw: Draw) -> Views:
        """`view` and `label`."""
        label = self.labels.to(batch.index.device)[batch.index]
        return {**self.base(batch, draw), "label": label}


class Classification(Task):
    """Which of several classes an image shows.

    Args:
        labels: int64 [N], by sample of the labelled set.
        classes: how many there are.
        names: theirs.
    """

    name: ClassVar[str] = "classification"
    reads: ClassVar[str] = "classification"
    metrics: ClassVar[tuple[Metric, ...]] = (Metric("accuracy"), Metric("mean class accuracy"))

    def __init__(self, labels: Tensor, classes: int, names: Sequence[str] = ()) -> None:
        self.labels, self.classes, self.names = labels, classes, tuple(names)

    @classmethod
    def of(
        cls,
        source: Labelled[Any],
        images: Images,
        *,
        names: Sequence[str] | None = None,
        size: int = 0,
    ) -> Self:
        """The task of a source with a class of each image; see `Task.of`."""
        require(source, images)
        labels = torch.tensor([source.target(i).label for i in range(len(source))])
        if names is not None:
            labels = answered(labels, source.classes, names)
        own = source.classes if names is None else names
        return cls(labels, len(own), own)

    @classmethod
    def unlabelled(cls, names: Sequence[str], settings: Mapping[str, Any]) -> Self:
        """The task of answering in these classes; see `Task.unlabelled`."""
        return cls(torch.empty(0, dtype=torch.int64), len(names), names)

    @property
    def strata(self) -> Tensor:
        """The classes."""
        return self.labels

    def model(self, backbone: Backbone) -> Headed:
        """One linear layer on pooled features, begun at zero: the first answer is a blind one."""
        head = nn.Linear(backbone.dim, self.classes)
        nn.init.zeros_(head.weight)
        nn.init.zeros_(head.bias)
        return Headed(backbone, head)

    def views(self, size: int, *, augment: bool) -> Recipe:
        """Crops (from 0.2 of the area) or shifts, mirrored at random; or the center."""
        base = self.look(size)
        if augment:
            base = (PadCrop() if size < SMALL else Crop(scale=(0.2, 1.0))).sized(size)
        return Classes(base=base, labels=self.labels, size=size)

    def answers(self, model: Headed, images: Tensor, sizes: Sizes) -> list[Answer]:
        """Probabilities float32 [C] that sum to 1."""
        return list(model(images).float().softmax(1).cpu().numpy())

    def truth(self, row: int) -> Answer:
        """Probability 1 of its class."""
        return F.one_hot(self.labels[row], self.classes).float().numpy()

    def losses(self, model: Headed, views: Views) -> Mapping[str, Tensor]:
        """Cross-entropy, natural logarithm."""
        return {"cross-entropy": F.cross_entropy(model(views["view"]).float(), views["label"])}

    def predict(self, model: Headed, images: Tensor) -> Tensor:
        """int64 [B], the class with the largest logit; of equal ones the first."""
        answer: Tensor = model(images).argmax(1)
        return answer

    def judge(self, predictions: Tensor, rows: Tensor) -> Tensor:
        """The classes themselves, on the CPU."""
        return predictions.cpu()

    def score(self, judged: Judged, rows: Tensor) -> Mapping[str, Influence]:
        """Accuracy, and its mean over the classes that are there."""
        truth = self.labels[rows]
        right = (torch.as_tensor(judged) == truth).double()
        counts = torch.bincount(truth, minlength=self.classes)
        present = int((counts > 0).sum())
        by_class = right * len(rows) / (counts[truth] * present)
        return {"accuracy": right.numpy(), "mean class accuracy": by_class.numpy()}

    def blind(self, rows: Tensor, tested: Self, test_rows: Tensor) -> Judged:
        """The commonest class of the rows; of equal ones the first."""
        common = torch.bincount(self.labels[rows], minlength=self.classes).argmax()
        return common.expand(len(test_rows))
