"""A label for each pixel: planes that move with the picture, and heads on a backbone's last map."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, Literal, get_args

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from presight.core.backbone import Backbone
from presight.core.batch import Batch, Views
from presight.core.draw import Draw
from presight.data.pack import source_sizes
from presight.data.source import Blocks, Labelled, shown
from presight.errors import DataError, Diverged, UsageError
from presight.evaluation.tasks.geometry import Framed, places
from presight.evaluation.tasks.task import Answer, Headed, Influence, Task

Plane = NDArray[Any]
"""[h, w], a label for each pixel of a picture."""

Head = Literal["linear", "fcn"]
"""Heads of dense tasks; see `dense_head`."""

WIDTH = 256
"""Channels inside the head `fcn`."""

_TOGETHER = 32  # of a source that makes several at a time, as many are read at once
_KEPT = 2 << 30


class Planes:
    """The label planes of a set, at the size of their pictures.

    What was read is kept in memory, up to 2 GiB; beyond that a plane is read whenever it is asked
    for.

    Args:
        source: the labelled set; None is one without an image.
        read: from an image's number to its plane.

    Attributes:
        sizes: int64 [N, 2], height and width of each picture.
    """

    def __init__(self, source: Labelled[Any] | None, read: Callable[[int], Plane]) -> None:
        self.sizes = np.zeros((0, 2), np.int64) if source is None else source_sizes(source)
        self._source, self._read = source, read
        self._together = _TOGETHER if isinstance(source, Blocks) else 1
        self._held: dict[int, Plane] = {}
        self._room = _KEPT

    def __len__(self) -> int:
        return len(self.sizes)

    def __getitem__(self, row: int) -> Plane:
        """The plane of an image.

        Raises:
            DataError: it is not as large as the picture.
        """
        if row in self._held:
            return self._held[row]
        if self._room <= 0:
            return self._made(row)
        start = row - row % self._together
        for other in range(start, min(start + self._together, len(self))):
            if other not in self._held:
                self._held[other] = self._made(other)
                self._room -= self._held[other].nbytes
        return self._held[row]

    def of(self, rows: Tensor) -> Iterator[Plane]:
        """The planes of some images, int64 [n], one after the other."""
        return (self[row] for row in rows.tolist())

    def name(self, row: int) -> str:
        """The image's name, fit for a terminal."""
        return shown(self._source.identity(row)) if self._source is not None else ""

    def _made(self, row: int) -> Plane:
        plane = np.array(self._read(row))  # a copy: blocks are not held
        if plane.shape != tuple(self.sizes[row]):
            expected = " x ".join(map(str, self.sizes[row]))
            raise DataError(
                f"the labels of {self.name(row)} are {' x '.join(map(str, plane.shape))} (height x "
                f"width), its picture is {expected}; a label for each pixel was expected."
            )
        return plane


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Labels(Framed):
    """A view and, under `label`, the plane of the same pixels, by nearest neighbor.

    Args:
        planes: of the set.
    """

    name: ClassVar[str] = "labels"
    keys: ClassVar[dict[str, str]] = {
        "view": "[B,3,s,s], one view of each image",
        "label": "[B,s,s], its plane",
    }

    planes: Planes

    def __call__(self, batch: Batch, draw: Draw) -> Views:
        """`view` and `label`."""
        view = self.params(batch, draw)
        found = places(batch, view, self.size, self.planes.sizes)
        planes = self.planes.of(batch.index)
        moved = [place.plane(plane) for place, plane in zip(found, planes, strict=True)]
        label = torch.from_numpy(np.stack(moved)).to(batch.images.device)
        return {"view": self.drawn(batch, view), "label": label}


def dense_head(channels: int, outputs: int, kind: Head) -> nn.Sequential:
    """A head from a map [B, channels, h, w] to [B, outputs, h, w], begun at zero.

    `linear` is one 1x1 convolution on normalized channels (batch norm without weights of its own:
    maps of different networks are then equally easy to learn on); `fcn` is two 3x3 convolutions of
    256 channels with batch norm and ReLU, and a 1x1 convolution.

    Raises:
        UsageError: a head that is not known.
    """
    if kind == "linear":
        layers: list[nn.Module] = [nn.BatchNorm2d(channels, affine=False)]
        last = nn.Conv2d(channels, outputs, 1)
    elif kind == "fcn":
        layers = [*_block(channels), *_block(WIDTH)]
        last = nn.Conv2d(WIDTH, outputs, 1)
    else:
        known = ", ".join(get_args(Head))
        raise UsageError(f"no head {kind!r} for dense tasks; known are {known}.")
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)  # type: ignore[arg-type]  # it has one
    return nn.Sequential(*layers, last)


def _block(channels: int) -> tuple[nn.Module, ...]:
    convolution = nn.Conv2d(channels, WIDTH, 3, padding=1, bias=False)
    return convolution, nn.BatchNorm2d(WIDTH), nn.ReLU(inplace=True)


def no_planes() -> Planes:
    """Of no picture: for models that learn no more."""
    return Planes(None, lambda row: np.zeros((0, 0)))


class OnMap(Headed):
    """A backbone with a head on its last map, whose first answer is a blind one.

    The head begins at zero, and its answers at a constant that the first batch of labels gives.
    A linear head on normalized maps could move there with its biases only, by a learning rate's
    width an update, and would still be on its way when the budget is used up.

    Args:
        backbone: images to maps.
        head: on the last of them.
        outputs: of the head, at each location.
    """

    pooled = False

    def __init__(self, backbone: Backbone, head: nn.Module, outputs: int) -> None:
        super().__init__(backbone, head)
        self.register_buffer("start", torch.zeros(outputs))
        self.register_buffer("started", torch.zeros((), dtype=torch.bool))
        self.start: Tensor
        self.started: Tensor

    def begin(self, answer: Tensor) -> None:
        """Begin with an answer, float [outputs]."""
        self.start.copy_(answer)
        self.started.fill_(True)

    def forward(self, images: Tensor) -> Tensor:
        """The head's answer [B, outputs, h, w], as coarse as the map."""
        answer: Tensor = self.head(self.backbone.stages(images)[-1])
        return answer + self.start[:, None, None]


def enlarged(maps: Tensor, size: tuple[int, ...]) -> Tensor:
    """Maps [B, c, h, w] at another size, bilinear; the same in training and in tests."""
    return F.interpolate(maps.float(), size, mode="bilinear", align_corners=False)


class Dense(Task):
    """What tasks with a label for each pixel have in common.

    A view is a square, whatever the picture's aspect. Answers are as coarse as the backbone's last
    map and are enlarged, before anything is decided, to the labels: of the view in training, of
    the whole original picture in tests, which restores its aspect.

    Args:
        planes: of the labelled set.
        outputs: of the head, at each location.
        head: linear or fcn.
        scale: least share of the picture's area that a view for learning takes, in (0, 1].
    """

    def __init__(self, planes: Planes, outputs: int, head: Head, *, scale: float) -> None:
        self.planes, self.outputs, self.head, self.scale = planes, outputs, head, scale
        self.originals = planes.sizes

    @property
    def settings(self) -> Mapping[str, Any]:
        """Which head."""
        return {"head": self.head}

    def look(self, size: int) -> Framed:
        """The whole picture."""
        return Framed(size=size)

    def truth(self, row: int) -> Answer:
        """Its plane."""
        return self.planes[row]

    def model(self, backbone: Backbone) -> OnMap:
        """A head on the backbone's last map."""
        head = dense_head(backbone.stage_dims[-1], self.outputs, self.head)
        return OnMap(backbone, head, self.outputs)

    def views(self, size: int, *, augment: bool) -> Labels:
        """Mirrored at random and, where the labels bear it, cropped; or the whole picture."""
        if not augment:
            return Labels(planes=self.planes, size=size)
        return Labels(planes=self.planes, size=size, scale=(self.scale, 1.0), flip=0.5)

    def losses(self, model: Headed, views: Views) -> Mapping[str, Tensor]:
        """The loss of the answers, enlarged to the views; the first labels tell where to begin."""
        assert isinstance(model, OnMap)
        label = views["label"]
        if not bool(model.started) and bool(self.known(label).any()):
            model.begin(self.constant(label))
        return self.compared(enlarged(model(views["view"]), label.shape[1:]), label)

    @abstractmethod
    def known(self, label: Tensor) -> Tensor:
        """Bool [B, s, s], the pixels that count."""

    @abstractmethod
    def constant(self, label: Tensor) -> Tensor:
        """The best answer without a look at the pictures, float [outputs].

        Args:
            label: [B, s, s], some of whose pixels count.
        """

    @abstractmethod
    def compared(self, answers: Tensor, label: Tensor) -> Mapping[str, Tensor]:
        """Losses of answers float [B, outputs, s, s], means over the pixels that count."""

    def predict(self, model: Headed, images: Tensor) -> Tensor:
        """The head's answers, float [B, outputs, h, w], as coarse as the backbone's last map.

        Raises:
            Diverged: one of them is not finite.
        """
        answers: Tensor = model(images).float()
        strange = int((~torch.isfinite(answers)).flatten(1).any(1).sum())
        if strange:
            raise Diverged(
                f"the answers to {strange:,} of {len(answers):,} images hold NaN or infinity; "
                "finite numbers were expected. Learn again with a smaller learning rate."
            )
        return answers


def share(parts: Tensor, wholes: Tensor) -> Influence:
    """sum(parts) / sum(wholes) as its influence by image.

    Args:
        parts: float64 [n].
        wholes: float64 [n], >= 0, not all 0; an image of which it is 0 does not count.

    Returns:
        float64 [n]: the score and n times its derivative with respect to the image's weight.
    """
    total = wholes.sum()
    score = parts.sum() / total
    return (score + len(parts) * (parts - score * wholes) / total).numpy()
