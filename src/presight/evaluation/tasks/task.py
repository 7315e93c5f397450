"""The contract of a task: a small head over a backbone, frozen and fine-tuned by the same code."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from presight.core.backbone import Backbone
from presight.core.batch import Views
from presight.core.recipe import Recipe
from presight.errors import DataError
from presight.views.single import Center

if TYPE_CHECKING:
    from presight.data.canvas import Images
    from presight.data.source import Labelled

Influence = NDArray[np.float64]
"""[n], a score's part by test image: its mean is the score, its spread over images the score's."""

Answer = Any
"""What is said of one picture; `Task.answers` of each task says which it is."""

Sizes = Sequence[tuple[int, int]]
"""Height and width of pictures, in whose pixels answers count."""

Judged = Tensor | Sequence[Any]
"""What a task's figures need, image by image: [n, ...], or n of something else."""


@dataclasses.dataclass(frozen=True)
class Metric:
    """A figure of a task.

    Args:
        name: in words, as in "accuracy".
        higher_is_better: else a lower one is.
        unit: % for shares in [0, 1], or the unit of the figure.
    """

    name: str
    higher_is_better: bool = True
    unit: str = "%"


class Headed(nn.Module):
    """A backbone with a head on it.

    Args:
        backbone: images in [0, 1] to features or maps.
        head: what a task puts on top; only it learns where the backbone is frozen.
    """

    pooled: ClassVar[bool] = True
    """Whether the head is on pooled features [B, dim], as they are."""

    def __init__(self, backbone: Backbone, head: nn.Module) -> None:
        super().__init__()
        self.backbone, self.head = backbone, head

    def forward(self, images: Tensor) -> Tensor:
        """The head's answer to pooled features [B, dim]."""
        answer: Tensor = self.head(self.backbone(images))
        return answer


class Task(ABC):
    """A task on one labelled set: it holds the set's targets, which views look up by index.

    A number is measured in three steps, so that no image's answer has to be kept at full size:
    `predict` answers a batch without its targets, `judge` compares it with them image by image,
    `score` makes figures of the whole split.

    Attributes:
        name: on the command line.
        reads: the labels it reads, as `open_task` names them.
        metrics: the first is the one that curves, gaps and utility are of; higher is better for it.
        names: of what is answered, classes or keypoints; none where answers have no names.
        strata: int64 [N], what subsets and hold-outs keep in proportion: the class of each image,
            the rarest of several, or the same for all.
        originals: int64 [N, 2], height and width of the pictures whose pixels labels count; empty
            where they count none.
    """

    name: ClassVar[str]
    reads: ClassVar[str]
    metrics: ClassVar[tuple[Metric, ...]]
    names: tuple[str, ...]
    originals: NDArray[np.int64] = np.empty((0, 2), np.int64)

    @classmethod
    @abstractmethod
    def of(
        cls,
        source: Labelled[Any],
        images: Images,
        *,
        names: Sequence[str] | None = None,
        size: int = 0,
    ) -> Self:
        """The task on a labelled set.

        Args:
            source: labelled for it.
            images: the source's.
            names: what is answered, where the set is for the test of what another one taught: its
                classes may lack some of them or have them in another order. None takes its own.
            size: side of a view, pixels; 0 takes the images' own.

        Raises:
            DataError: images of another set, labels that cannot be used, or of what is not
                answered.
        """

    @property
    @abstractmethod
    def strata(self) -> Tensor:
        """What subsets and hold-outs keep in proportion, int64 [N]."""

    @classmethod
    @abstractmethod
    def unlabelled(cls, names: Sequence[str], settings: Mapping[str, Any]) -> Self:
        """The task without a labelled set: it makes models and reads their answers, no more.

        Args:
            names: of what is answered.
            settings: of a task whose models are wanted; see there.
        """

    @property
    def settings(self) -> Mapping[str, Any]:
        """What a model depends on beside the names; plain JSON."""
        return {}

    @abstractmethod
    def model(self, backbone: Backbone) -> Headed:
        """The backbone with a new head, from torch's generator."""

    @abstractmethod
    def views(self, size: int, *, augment: bool) -> Recipe:
        """Makes `view` and its targets, moved with the picture.

        Args:
            size: side of a view, pixels.
            augment: for learning; else the picture as it is measured.
        """

    def look(self, size: int) -> Recipe:
        """The view that is measured and answered, without its label; the center by default.

        Args:
            size: its side, pixels.
        """
        return Center().sized(size)

    @abstractmethod
    def answers(self, model: Headed, images: Tensor, sizes: Sizes) -> list[Answer]:
        """What a model says of each picture, for people and files.

        Args:
            model: of this task, in evaluation mode.
            images: views as of `look`, float [B,3,s,s] in [0, 1].
            sizes: of the pictures, in whose pixels the answers count.
        """

    @abstractmethod
    def truth(self, row: int) -> Answer:
        """The right answer to an image of the labelled set, as `answers` gives them."""

    @abstractmethod
    def losses(self, model: Headed, views: Views) -> Mapping[str, Tensor]:
        """Scalars, means over the batch, whose sum is learned by."""

    @abstractmethod
    def predict(self, model: Headed, images: Tensor) -> Any:
        """Answers to views float [B,3,h,w] in [0, 1]."""

    @abstractmethod
    def judge(self, predictions: Any, rows: Tensor) -> Judged:
        """What the figures need of each image, B of them.

        Args:
            predictions: of a batch, as `predict` gave them.
            rows: int64 [B], which images of the labelled set they are of.
        """

    @abstractmethod
    def score(self, judged: Judged, rows: Tensor) -> Mapping[str, Influence]:
        """Every metric on the whole split, as its influence by image.

        Args:
            judged: of all images in `rows`, in their order.
            rows: int64 [n], of the labelled set.
        """

    def skipped(self, judged: Judged) -> int:
        """How many images have nothing to be measured by, and count in no figure."""
        return 0

    @abstractmethod
    def blind(self, rows: Tensor, tested: Self, test_rows: Tensor) -> Judged:
        """The best answers of one who knows no picture: the same for every image.

        Args:
            rows: int64 [n], of this set, whose labels are known.
            tested: the task on the test set.
            test_rows: int64 [m], of it.

        Raises:
            DataError: the rows' labels allow no answer.
        """


def rarest(present: Tensor) -> Tensor:
    """Strata of images that show several classes: the rarest that each shows, C where none.

    Subsets and hold-outs that keep these in proportion do not lose rare classes.

    Args:
        present: bool [N, C].

    Returns:
        int64 [N].
    """
    shown = present.long()
    counts = torch.where(present, shown.sum(0), len(shown) + 1)
    nothing = torch.full((len(shown), 1), len(shown))
    # In the last place, before any class that the image does not show.
    return torch.cat((counts, nothing), 1).argmin(1)


def require(source: Labelled[Any], images: Images) -> None:
    """Refuse images that are not the source's.

    Raises:
        DataError: another number of them.
    """
    if len(source) != len(images):
        raise DataError(
            f"{len(source):,} labels and {len(images):,} images; the same set was expected."
        )
