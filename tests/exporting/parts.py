"""What the tests of this folder share."""

from __future__ import annotations

from pathlib import Path

import safetensors
import torch

from presight.core.backbone import Backbone
from presight.nn.backbones import encoders


def trained(name: str = "resnet18", image_size: int = 64, **options: str) -> Backbone:
    """A backbone whose batch norm has seen something."""
    torch.manual_seed(0)
    stem = options.get("stem", "auto")
    backbone = encoders(name, image_size=image_size, stem=stem)()  # type: ignore[arg-type]
    with torch.no_grad():
        backbone.train()(torch.rand(4, 3, 32, 32))
    return backbone


def loaded(path: Path) -> dict[str, torch.Tensor]:
    with safetensors.safe_open(path, "pt") as file:
        return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
