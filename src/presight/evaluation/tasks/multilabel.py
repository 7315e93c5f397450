"""Any number of classes an image: a linear head, binary cross-entropy, mean average precision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from presight.core.batch import Views
from presight.core.wording import cut
from presight.errors import DataError
from presight.evaluation.precision import mean_precision_influence
from presight.evaluation.tasks.classification import Classification
from presight.evaluation.tasks.task import (
    Answer,
    Headed,
    Influence,
    Judged,
    Metric,
    Sizes,
    rarest,
    require,
)

if TYPE_CHECKING:
    from presight.data.canvas import Images
    from presight.data.source import Labelled


class Multilabel(Classification):
    """Which of several classes an image shows, any number of them.

    The head and the views are those of one class an image.

    Args:
        present: bool [N, C], by sample of the labelled set.
        names: of the C classes.
    """

    name: ClassVar[str] = "multilabel"
    reads: ClassVar[str] = "multilabel"
    metrics: ClassVar[tuple[Metric, ...]] = (Metric("mAP"), Metric("mAP 11-point"))

    def __init__(self, present: Tensor, names: Sequence[str] = ()) -> None:
        super().__init__(present, present.shape[1], names)

    @classmethod
    def of(
        cls,
        source: Labelled[Any],
        images: Images,
        *,
        names: Sequence[str] | None = None,
        size: int = 0,
    ) -> Self:
        """The task of a source that knows which classes each image shows; see `Task.of`."""
        require(source, images)
        own = source.classes
        named = own if names is None else tuple(names)
        rows = [source.target(i).present for i in range(len(source))]
        shown = np.stack(rows) if rows else np.zeros((0, len(own)), np.bool_)
        strange = [name for c, name in enumerate(own) if name not in named and shown[:, c].any()]
        if strange:
            raise DataError(
                f"the test set shows {', '.join(cut(name) for name in strange[:5])}, which the "
                "labels to learn from do not have. What is not learned cannot be answered: give "
                "the classes the same names, or take these labels out of the test set."
            )
        present = np.zeros((len(rows), len(named)), np.bool_)
        for c, name in enumerate(own):
            if name in named:
                present[:, named.index(name)] = shown[:, c]
        return cls(torch.from_numpy(present), named)

    @classmethod
    def unlabelled(cls, names: Sequence[str], settings: Mapping[str, Any]) -> Self:
        """The task of answering in these classes; see `Task.unlabelled`."""
        return cls(torch.zeros(0, len(names), dtype=torch.bool), names)

    @property
    def strata(self) -> Tensor:
        """The rarest class that each image shows."""
        return rarest(self.labels)

    def losses(self, model: Headed, views: Views) -> Mapping[str, Tensor]:
        """Binary cross-entropy, the mean over images and classes, natural logarithm."""
        logits, present = model(views["view"]).float(), views["label"].float()
        return {"cross-entropy": F.binary_cross_entropy_with_logits(logits, present)}

    def answers(self, model: Headed, images: Tensor, sizes: Sizes) -> list[Answer]:
        """Probabilities float32 [C], each by itself."""
        return list(model(images).float().sigmoid().cpu().numpy())

    def truth(self, row: int) -> Answer:
        """Probability 1 of its classes."""
        return self.labels[row].float().numpy()

    def predict(self, model: Headed, images: Tensor) -> Tensor:
        """Logits, float [B, C]."""
        answer: Tensor = model(images)
        return answer

    def judge(self, predictions: Tensor, rows: Tensor) -> Tensor:
        """The logits themselves, on the CPU."""
        return predictions.float().cpu()

    def score(self, judged: Judged, rows: Tensor) -> Mapping[str, Influence]:
        """Mean average precision over the classes that are there, by the step curve and VOC 2007's.

        Args:
            judged: float [n, C].
            rows: int64 [n], of the labelled set.

        Raises:
            DataError: no image shows any class.
        """
        scores, present = torch.as_tensor(judged).numpy(), self.labels[rows].numpy()
        return {
            "mAP": mean_precision_influence(scores, present),
            "mAP 11-point": mean_precision_influence(scores, present, "11-point"),
        }

    def blind(self, rows: Tensor, tested: Self, test_rows: Tensor) -> Judged:
        """The rows' share of each class."""
        return self.labels[rows].float().mean(0).expand(len(test_rows), -1)
