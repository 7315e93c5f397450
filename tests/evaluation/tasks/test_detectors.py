from __future__ import annotations

import copy
from functools import cache

import pytest
import torch
from torch import Tensor

from evaluation.doubles import Small
from presight.core.backbone import Backbone
from presight.core.batch import Views
from presight.evaluation.tasks.detectors import Detector, Name, detector, levels, strides
from presight.nn.native import ResNet9

NAMES: tuple[Name, ...] = ("centernet", "faster-rcnn", "retinanet")
VIEWS: Views = {
    "view": torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)),
    "boxes": torch.tensor([[2.0, 2, 20, 15], [15, 15, 30, 25]]),
    "label": torch.tensor([0, 2]),
    "owner": torch.tensor([0, 0]),
}


class Spied(ResNet9):
    """Remembers what it was shown."""

    def __init__(self) -> None:
        super().__init__(2)
        self.seen: list[Tensor] = []

    def stages(self, images: Tensor) -> tuple[Tensor, ...]:
        self.seen.append(images)
        return super().stages(images)


@cache
def built(name: Name) -> Detector:
    torch.manual_seed(0)
    return detector(name, Spied(), 3)


def made(name: Name) -> Detector:
    """A copy: to draw the weights takes torchvision's two seconds."""
    built(name).backbone.seen.clear()  # type: ignore[operator,union-attr]
    return copy.deepcopy(built(name)).train()


@pytest.mark.parametrize("name", NAMES)
def test_everything_that_learns_is_the_backbones_or_the_heads_and_is_reached(name: Name) -> None:
    model = made(name)
    parts = (model.backbone.state_dict(), model.head.state_dict())
    assert len(model.state_dict()) == len(parts[0]) + len(parts[1])
    assert not any("trunk" in name for name in parts[1])
    torch.stack(list(model.losses(VIEWS).values())).sum().backward()
    assert all(p.grad is not None for p in model.parameters())
    assert model.backbone.trunk.stem[0].weight.grad.abs().sum() > 0  # type: ignore[union-attr]


@pytest.mark.parametrize("name", NAMES)
def test_boxes_are_shares_and_labels_are_classes(name: Name) -> None:
    model = made(name).eval()
    with torch.inference_mode():
        found = model.detect(VIEWS["view"])
    assert len(found) == 2
    for one in found:
        assert len(one.boxes) == len(one.scores) == len(one.labels) <= 100
        assert ((one.boxes >= 0) & (one.boxes <= 1)).all()
        assert set(one.labels.tolist()) <= {0, 1, 2}
    assert max(one.boxes.max() for one in found) > 0.1


@pytest.mark.parametrize("name", NAMES)
def test_views_without_objects_are_learned_from(name: Name) -> None:
    none = {"boxes": torch.zeros(0, 4), "label": torch.zeros(0, dtype=torch.int64)}
    views = VIEWS | none | {"owner": none["label"]}
    losses = made(name).losses(views)
    assert all(loss.isfinite() for loss in losses.values())
    assert sum(losses.values()) > 0


@pytest.mark.parametrize("name", NAMES)
def test_a_copy_runs_on_its_own_backbone(name: Name) -> None:
    model = made(name).eval()
    other = copy.deepcopy(model)
    with torch.no_grad():
        for weight in model.backbone.parameters():
            weight.zero_()
        maps = [one.forward(VIEWS["view"][:1]) for one in (model, other, built(name).eval())]
    assert told(maps[1]) == told(maps[2]) != told(maps[0])


def told(answer: object) -> list[float]:
    first = answer[0]  # type: ignore[index]
    value: Tensor = first["boxes"] if isinstance(first, dict) else first
    return value.flatten()[:8].tolist()


@pytest.mark.parametrize("name", NAMES[1:])
def test_the_picture_reaches_the_backbone_as_it_is(name: Name) -> None:
    """Neither normalized nor resized by torchvision's transform: the backbone does the first."""
    model = made(name)
    model.losses(VIEWS)
    model.eval().detect(VIEWS["view"])
    seen: list[Tensor] = model.backbone.seen  # type: ignore[assignment]
    assert [torch.equal(one, VIEWS["view"]) for one in seen] == [True, True]


def test_levels_are_the_deepest_maps_of_strides_from_four() -> None:
    backbone = ResNet9(2).train()
    before = {name: value.clone() for name, value in backbone.state_dict().items()}
    assert strides(backbone, 64) == [1, 2, 4, 8]
    assert levels(backbone, 64) == {4: 2, 8: 3}
    assert levels(Small(), 64) == {1: 0}
    assert backbone.training
    assert backbone.trunk.training
    assert all(torch.equal(value, before[name]) for name, value in backbone.state_dict().items())


def test_of_maps_with_one_stride_the_last_is_taken() -> None:
    class Flat(Backbone):
        def __init__(self) -> None:
            super().__init__()
            self.dim, self.stage_dims, self.source = 4, (4, 4, 4), "own:flat"
            self.layer = torch.nn.Conv2d(3, 4, 16, 16)

        def stages(self, images: Tensor) -> tuple[Tensor, ...]:
            return (self.layer(images),) * 3

    assert levels(Flat(), 64) == {16: 2}
