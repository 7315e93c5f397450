"""Detectors on a backbone's maps: CenterNet for small images, torchvision's two for larger ones."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torchvision.models.detection import FasterRCNN, RetinaNet
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList
from torchvision.ops import FeaturePyramidNetwork, MultiScaleRoIAlign
from torchvision.ops.feature_pyramid_network import ExtraFPNBlock, LastLevelMaxPool, LastLevelP6P7

from presight.core.backbone import Backbone
from presight.core.batch import Views
from presight.evaluation.tasks import centernet
from presight.evaluation.tasks.average_precision import MOST, Detections
from presight.evaluation.tasks.task import Headed

Name = Literal["auto", "centernet", "faster-rcnn", "retinanet"]
LARGE = 160
"""Side in pixels from which `auto` takes Faster R-CNN."""

_ANCHOR = 4  # the least anchor in strides: objects here are a third as large as on COCO's 800 px
_RATIOS = (0.5, 1.0, 2.0)
_LEAST_SCORE = 0.01  # lower than torchvision's: what ranks low still adds to the recall
_CHANNELS = 256


class Detector(Headed, ABC):
    """A backbone with something on it that finds boxes."""

    pooled = False

    @abstractmethod
    def losses(self, views: Views) -> Mapping[str, Tensor]:
        """Scalars, whose sum is learned by.

        Args:
            views: `view` float [B,3,s,s] in [0, 1], and of every object `boxes` float32 [n, 4] in
                pixels of the view, `label` int64 [n] and `owner` int64 [n], its row.
        """

    @abstractmethod
    def detect(self, images: Tensor) -> list[Detections]:
        """What is in each view, boxes in shares of its side."""


class Points(Detector):
    """CenterNet on a backbone.

    Args:
        backbone: images in [0, 1] to maps.
        classes: how many there are.
    """

    def __init__(self, backbone: Backbone, classes: int) -> None:
        super().__init__(backbone, centernet.CenterNet(backbone.stage_dims, classes))

    def forward(self, images: Tensor) -> Any:
        """Heat and shape of views [B,3,s,s]."""
        return self.head(self.backbone.stages(images), images.shape[-1])

    def losses(self, views: Views) -> Mapping[str, Tensor]:
        """Of middles, sizes and offsets."""
        heat, shape = (maps.float() for maps in self(views["view"]))
        cells = views["boxes"] * (heat.shape[-1] / views["view"].shape[-1])
        return centernet.losses(heat, shape, cells, views["label"], views["owner"])

    @torch.no_grad()
    def detect(self, images: Tensor) -> list[Detections]:
        """The highest peaks."""
        return centernet.decoded(*self(images))


class Pyramids(Detector):
    """A detector of torchvision's on a feature pyramid over a backbone.

    Args:
        backbone: images in [0, 1] to maps.
        head: the detector, whose pyramid reads the backbone's maps.
        first: number of the first class in its labels: 1 where 0 is the background.
    """

    def __init__(self, backbone: Backbone, head: nn.Module, first: int) -> None:
        super().__init__(backbone, head)
        self.first = first

    def forward(self, images: Tensor) -> Any:
        """Boxes, scores and labels of each view, in evaluation mode."""
        return self.head(images)

    def losses(self, views: Views) -> Mapping[str, Tensor]:
        """Those of torchvision's detector."""
        boxes, label = views["boxes"], views["label"] + self.first
        mine = [views["owner"] == row for row in range(len(views["view"]))]
        targets = [{"boxes": boxes[of], "labels": label[of]} for of in mine]
        found: Mapping[str, Tensor] = self.head(views["view"], targets)
        return found

    @torch.no_grad()
    def detect(self, images: Tensor) -> list[Detections]:
        """What is left after suppression."""
        return [
            Detections(
                (one["boxes"] / images.shape[-1]).float().cpu().numpy(),
                one["scores"].float().cpu().numpy(),
                (one["labels"] - self.first).cpu().numpy(),
            )
            for one in self(images)
        ]


class Pyramid(nn.Module):
    """A feature pyramid over one map of a backbone a stride.

    Args:
        backbone: whose weights stay out of this module: they are the model's, not the head's.
        levels: numbers of the maps.
        extra: further levels on top.
    """

    def __init__(self, backbone: Backbone, levels: Sequence[int], extra: ExtraFPNBlock) -> None:
        super().__init__()
        self._backbone = (backbone,)
        self.levels, self.out_channels = tuple(levels), _CHANNELS
        dims = [backbone.stage_dims[level] for level in levels]
        self.pyramid = FeaturePyramidNetwork(dims, _CHANNELS, extra)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Maps of 256 channels, by name; the finest first."""
        maps = self._backbone[0].stages(images)
        named = OrderedDict((str(i), maps[level]) for i, level in enumerate(self.levels))
        found: dict[str, Tensor] = self.pyramid(named)
        return found


class AsTheyAre(nn.Module):
    """Instead of torchvision's own transform: views have their size, backbones normalize."""

    def forward(self, images: Tensor, targets: Any = None) -> tuple[ImageList, Any]:
        """The views."""
        height, width = images.shape[-2:]
        return ImageList(images, [(height, width)] * len(images)), targets

    def postprocess(self, found: Any, sizes: Any, originals: Any) -> Any:
        """What was found."""
        return found


def strides(backbone: Backbone, side: int) -> list[int]:
    """Pixels to a cell of each map of views with a side, as powers of two."""
    weight = next(backbone.parameters())
    modes = [(module, module.training) for module in backbone.modules()]
    backbone.eval()
    with torch.no_grad():
        maps = backbone.stages(weight.new_zeros(1, 3, side, side))
    for module, training in modes:
        module.training = training
    ratios = torch.tensor([side / made.shape[-1] for made in maps])
    return [int(stride) for stride in 2 ** ratios.log2().round()]


def levels(backbone: Backbone, side: int) -> dict[int, int]:
    """Stride -> number of the last map with it, from a stride of 4 on where there is any."""
    last = {stride: number for number, stride in enumerate(strides(backbone, side))}
    coarse = {stride: number for stride, number in last.items() if stride >= centernet.STRIDE}
    return coarse or last


def detector(name: Name, backbone: Backbone, classes: int, side: int = LARGE) -> Detector:
    """A backbone with a new head, from torch's generator.

    Args:
        name: not `auto`.
        backbone: images in [0, 1] to maps.
        classes: how many there are.
        side: of a view, pixels; of weight only where a backbone takes no other.
    """
    if name == "centernet":
        return Points(backbone, classes)
    used = levels(backbone, side)
    made = _faster_rcnn if name == "faster-rcnn" else _retinanet
    head, first = made(backbone, list(used.values()), list(used), classes)
    head.transform = AsTheyAre()
    return Pyramids(backbone, head, first)


def _faster_rcnn(
    backbone: Backbone, maps: Sequence[int], steps: Sequence[int], classes: int
) -> tuple[nn.Module, int]:
    """The detector, and the number of its first class after the background."""
    sides = [_ANCHOR * step for step in (*steps, 2 * steps[-1])]
    sizes = [(side, 2 * side) for side in sides]  # two, for backbones of few strides
    pooled = MultiScaleRoIAlign([str(i) for i in range(len(steps))], 7, sampling_ratio=2)
    return FasterRCNN(
        Pyramid(backbone, maps, LastLevelMaxPool()),
        classes + 1,
        rpn_anchor_generator=AnchorGenerator(sizes, [_RATIOS] * len(sizes)),
        box_roi_pool=pooled,
        box_score_thresh=_LEAST_SCORE,
        box_detections_per_img=MOST,
    ), 1


def _retinanet(
    backbone: Backbone, maps: Sequence[int], steps: Sequence[int], classes: int
) -> tuple[nn.Module, int]:
    """The detector, which has no background."""
    sides = [_ANCHOR * step for step in (*steps, 2 * steps[-1], 4 * steps[-1])]
    sizes = [tuple(side * 2 ** (third / 3) for third in range(3)) for side in sides]
    return RetinaNet(
        Pyramid(backbone, maps, LastLevelP6P7(_CHANNELS, _CHANNELS)),
        classes,
        anchor_generator=AnchorGenerator(sizes, [_RATIOS] * len(sizes)),
        score_thresh=_LEAST_SCORE,
        detections_per_img=MOST,
    ), 0
