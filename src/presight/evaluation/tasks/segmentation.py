"""Semantic segmentation: a class for each pixel, mIoU over the whole set, pixel accuracy."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from presight.data.canvas import Images
from presight.data.source import Labelled, shown
from presight.data.targets import IGNORE, MaskTarget
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
    rarest,
    require,
)

_LEAST_AREA = 0.25
_LEAST_SHARE = 1e-3
_AT_ONCE = 1 << 25  # logits enlarged at a time: a photograph's do not fit into memory


class Segmentation(Dense):
    """Which class each pixel shows.

    Both figures are of the pixels of the original pictures, and pool them over the whole set:
    mIoU as in VOC and Cityscapes (one confusion matrix for all images; a class that is neither
    there nor answered is left out), pixel accuracy as in FCN's paper (Long et al. 2015). The pixel
    accuracy of Newell & Deng (2020) is counted on labels shrunk to the backbone's last map, which
    forgives thin things and borders: it is another number, and not to be set beside this one.

    Args:
        planes: classes, uint8, 255 counts neither way.
        names: of the classes.
        head: linear or fcn; see `dense_head`.
    """

    name: ClassVar[str] = "segmentation"
    reads: ClassVar[str] = "segmentation"
    metrics: ClassVar[tuple[Metric, ...]] = (Metric("mIoU"), Metric("pixel accuracy"))

    def __init__(self, planes: Planes, names: Sequence[str], head: Head = "linear") -> None:
        super().__init__(planes, len(names), head, scale=_LEAST_AREA)
        self.names = tuple(names)

    @classmethod
    def of(
        cls,
        source: Labelled[MaskTarget],
        images: Images,
        *,
        names: Sequence[str] | None = None,
        size: int = 0,
        head: Head = "linear",
    ) -> Self:
        """The task of a source with a class of each pixel; see `Task.of`.

        Args:
            source: the set.
            images: its images.
            names: what is answered, where the set is for a test.
            size: has no part in it.
            head: linear or fcn.
        """
        require(source, images)
        learned = source.classes if names is None else tuple(names)
        table = np.full(IGNORE + 1, IGNORE, np.uint8)
        for number, name in enumerate(source.classes):
            table[number] = learned.index(name) if name in learned else IGNORE

        def read(row: int) -> Plane:
            mask = source.target(row).mask
            highest = int(mask[mask != IGNORE].max(initial=0))
            if highest >= len(source.classes):
                raise DataError(
                    f"the mask of {shown(source.identity(row))} has the value {highest}; the set "
                    f"has {len(source.classes)} classes, from 0 on, and 255 to count neither way."
                )
            values: Plane = table[mask]
            return values

        _refuse_strange(source, learned)
        return cls(Planes(source, read), learned, head)

    @classmethod
    def unlabelled(cls, names: Sequence[str], settings: Mapping[str, Any]) -> Self:
        """The task of answering in these classes; see `Task.unlabelled`."""
        return cls(no_planes(), names, settings["head"])

    @functools.cached_property
    def strata(self) -> Tensor:
        """The rarest class that each image shows, by images."""
        planes = self.planes.of(torch.arange(len(self.planes)))
        counts = [np.bincount(plane.ravel(), minlength=IGNORE + 1) for plane in planes]
        return rarest(torch.from_numpy(np.stack(counts)[:, : self.outputs] > 0))

    def answers(self, model: Headed, images: Tensor, sizes: Sizes) -> list[Answer]:
        """Classes uint8 [height, width]."""
        found = zip(self.predict(model, images), sizes, strict=True)
        return [largest(logits, size).byte().cpu().numpy() for logits, size in found]

    def known(self, label: Tensor) -> Tensor:
        """All but 255."""
        return label != IGNORE

    def constant(self, label: Tensor) -> Tensor:
        """Logarithms of the classes' shares of the pixels; none below a thousandth."""
        counts = torch.bincount(label[label != IGNORE].long(), minlength=self.outputs)
        return (counts / counts.sum()).clamp(min=_LEAST_SHARE).log()

    def compared(self, answers: Tensor, label: Tensor) -> Mapping[str, Tensor]:
        """Cross-entropy, natural logarithm."""
        total = F.cross_entropy(answers, label.long(), ignore_index=IGNORE, reduction="sum")
        return {"cross-entropy": total / (label != IGNORE).sum().clamp(min=1)}

    def judge(self, predictions: Tensor, rows: Tensor) -> Tensor:
        """Confusion matrices, int32 [B, C, C]: pixels by true class and answer.

        Args:
            predictions: logits [B, C, h, w].
            rows: int64 [B].
        """
        classes = self.outputs
        found = torch.zeros(len(rows), classes**2, dtype=torch.int32)
        for row, (logits, plane) in enumerate(zip(predictions, self.planes.of(rows), strict=True)):
            truth = torch.from_numpy(plane).to(logits.device).long()
            pairs = truth * classes + largest(logits, plane.shape)
            found[row] = torch.bincount(pairs[truth != IGNORE], minlength=classes**2)
        return found.view(-1, classes, classes)

    def score(self, judged: Judged, rows: Tensor) -> Mapping[str, Influence]:
        """Figures of the whole set; their influences by the derivative of the ratio.

        Args:
            judged: int [n, C, C], from `judge`.
            rows: int64 [n].

        Raises:
            DataError: no pixel counts.
        """
        counts = torch.as_tensor(judged)
        true, answered = counts.sum(2), counts.sum(1)
        hits = counts.diagonal(dim1=1, dim2=2).double()
        unions = (true + answered).double() - hits
        present = unions.sum(0) > 0
        if not bool(present.any()):
            raise DataError("no pixel of the test images has a class; label some of them.")
        each = [share(hits[:, c], unions[:, c]) for c in present.nonzero()[:, 0].tolist()]
        return {
            "mIoU": np.mean(each, 0),
            "pixel accuracy": share(hits.sum(1), true.sum(1).double()),
        }

    def blind(self, rows: Tensor, tested: Self, test_rows: Tensor) -> Judged:
        """Everywhere the commonest class of the pixels."""
        counts = sum(np.bincount(plane.ravel(), minlength=IGNORE + 1)
                     for plane in self.planes.of(rows))  # fmt: skip
        commonest = int(np.argmax(np.asarray(counts)[: self.outputs]))
        answer = F.one_hot(torch.tensor(commonest), self.outputs).float()
        return tested.judge(answer.view(1, -1, 1, 1).expand(len(test_rows), -1, -1, -1), test_rows)


def largest(logits: Tensor, size: tuple[int, ...]) -> Tensor:
    """int64 [H, W], the class of the largest of logits [C, h, w] after enlarging them."""
    height, width = size
    step = max(1, _AT_ONCE // (height * width))
    best = logits.new_full((height, width), -torch.inf)
    found = torch.zeros(height, width, dtype=torch.int64, device=logits.device)
    for start in range(0, len(logits), step):
        value, number = enlarged(logits[None, start : start + step], size)[0].max(0)
        better = value > best
        best, found = torch.where(better, value, best), torch.where(better, number + start, found)
    return found


def _refuse_strange(source: Labelled[MaskTarget], learned: tuple[str, ...]) -> None:
    """Stop where masks show classes that are not learned; where all are, no mask is opened."""
    strange = [n for n, name in enumerate(source.classes) if name not in learned]
    if not strange:
        return
    for row in range(len(source)):
        there = np.intersect1d(source.target(row).mask, strange)
        if len(there):
            raise DataError(
                f"the mask of {shown(source.identity(row))} shows the class "
                f"{shown(source.classes[there[0]])}, which the labels to learn from do not have; "
                f"those have {', '.join(map(shown, learned))}. Give classes the same names in both "
                "sets, in a palette.csv beside the masks, or say which values are to be ignored."
            )
