from __future__ import annotations

import pytest
import torch
from torch import nn

from presight.core.backbone import Backbone
from presight.core.batch import Out, Step, Views
from presight.core.draw import Draw
from presight.core.method import Card, Method, Preset
from presight.core.plan import TrainPlan
from presight.testing.tiny import TinyBackbone

SMALL, MIDDLE, LARGE = (Preset(TrainPlan(epochs=n)) for n in (1, 2, 3))


def card(**presets: Preset) -> Card:
    named = {name.strip("_"): preset for name, preset in presets.items()}
    return Card("a", "A", "contrastive", "B, C", 2020, "D", presets=named)


@pytest.mark.parametrize(
    ("size", "expected"), [(16, SMALL), (32, SMALL), (33, MIDDLE), (96, MIDDLE), (97, LARGE)]
)
def test_the_preset_is_the_smallest_that_is_large_enough(size: int, expected: Preset) -> None:
    assert card(imagenet=LARGE, _96=MIDDLE, _32=SMALL).preset(size) is expected


def test_missing_presets_fall_back() -> None:
    assert card(_32=SMALL).preset(224) is SMALL
    assert card(imagenet=LARGE).preset(32) is LARGE
    assert card().preset(32) == Preset(TrainPlan())


def test_a_method_needs_a_loss_and_a_backbone() -> None:
    assert Method.__abstractmethods__ == {"forward", "backbone"}


def test_pictures_are_optional() -> None:
    class Least(Method):
        def __init__(self) -> None:
            super().__init__()
            self.trunk = TinyBackbone()

        @property
        def backbone(self) -> Backbone:
            return self.trunk

        def forward(self, views: Views, step: Step) -> Out:
            return Out(torch.zeros(()))

    index = torch.arange(1)
    method = Least()
    assert method.show({}, Step(0, 1, 0, index, Draw(0, 0, index))) == {}
    assert isinstance(method, nn.Module)
