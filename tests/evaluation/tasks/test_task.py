from __future__ import annotations

import torch
from torch import nn

from presight.evaluation.tasks.task import Headed
from presight.nn.backbones import encoders


def test_a_headed_network_answers_by_pooled_features() -> None:
    backbone = encoders("resnet9:2", image_size=8)().eval()
    head = nn.Linear(backbone.dim, 4)
    images = torch.rand(2, 3, 8, 8)
    model = Headed(backbone, head)
    assert torch.equal(model(images), head(backbone(images)))
    assert {name.split(".")[0] for name, _ in model.named_parameters()} == {"backbone", "head"}
