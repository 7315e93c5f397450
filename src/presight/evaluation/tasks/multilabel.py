"""Any number of classes an image: a linear head, binary cross-entropy, mean average precision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from presight.core.batch import Views
from presight.core.wording import cut
from presight.errors import DataError
from presight.evaluation.precision import mean_precision_influence
from presight.evaluation.tasks.classification import Classification
from presight.evaluation.tasks.task import Headed, Influence, Judged, Metric

if TYPE_CHECKING:
    from presight.data.canvas import Images
    from presight.data.source import Labelled
    from presight.data.targets import MultiClassTarget


class Multilabel(Classification):
    """Which of several classes an image shows, any number of them.

    The head and the views are those of one class an image.

    Args:
        present: bool [N, C], by sample of the labelled set.
        names: of the C classes.
    """

    name: ClassVar[str] = "multilabel"
    metrics: ClassVar[tuple[Metric, ...]] = (Metric("mAP"), Metric("mAP 11-point"))

    def __init__(self, present: Tensor, names: Sequence[str] = ()) -> None:
        super().__init__(present, present.shape[1])
        self.names = tuple(names)

    @classmethod
    def of(
        cls,
        source: Labelled[MultiClassTarget],
        images: Images,
        *,
        classes: Sequence[str] | None = None,
    ) -> Self:
        """The task of a labelled source.

        Args:
            source: knows which classes each image shows.
            images: the source's.
            classes: names that are answered, those of the training set, for a test set, which may
                lack some of them or have them in another order; by default the source's own.

        Raises:
            DataError: images show classes that are not answered, or another number of images.
        """
        if len(source) != len(images):
            raise DataError(f"{len(source)} labelled images, but {len(images)} images.")
        own = source.classes
        names = own if classes is None else tuple(classes)
        rows = [source.target(i).present for i in range(len(source))]
        shown = np.stack(rows) if rows else np.zeros((0, len(own)), np.bool_)
        strange = [name for c, name in enumerate(own) if name not in names and shown[:, c].any()]
        if strange:
            raise DataError(
                f"the test set shows {', '.join(cut(name) for name in strange[:5])}, which the "
                "labels to learn from do not have. What is not learned cannot be answered: give "
                "the classes the same names, or take these labels out of the test set."
            )
        present = np.zeros((len(rows), len(names)), np.bool_)
        for c, name in enumerate(own):
            if name in names:
                present[:, names.index(name)] = shown[:, c]
        return cls(torch.from_numpy(present), names)

    @property
    def strata(self) -> Tensor:
        """Int64 [N], the rarest class that each image shows, C where it shows none.

        Subsets and hold-outs are drawn by it: in proportion to these, rare classes are not lost.
        """
        shown = self.labels.long()
        counts = torch.where(self.labels, shown.sum(0), len(shown) + 1)
        nothing = torch.full_like(counts[:, :1], len(shown))
        # In the last place, before any class that the image does not show.
        return torch.cat((counts, nothing), 1).argmin(1)

    def losses(self, model: Headed, views: Views) -> Mapping[str, Tensor]:
        """Binary cross-entropy, the mean over images and classes, natural logarithm."""
        logits, present = model(views["view"]).float(), views["label"].float()
        return {"cross-entropy": F.binary_cross_entropy_with_logits(logits, present)}

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

    def blind(self, rows: Tensor, tested: Multilabel, test_rows: Tensor) -> Judged:
        """The training rows' share of each class, whatever the image shows.

        Args:
            rows: int64 [n], to learn from.
            tested: the task of the test set.
            test_rows: int64 [m], of it.
        """
        return self.labels[rows].float().mean(0).expand(len(test_rows), -1)
