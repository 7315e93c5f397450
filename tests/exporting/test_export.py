"""Export in general."""

from __future__ import annotations

from pathlib import Path

import torch

from exporting.parts import trained
from presight.exporting.export import export, usual_path
from presight.exporting.formats import formats


def test_export_changes_nothing_in_the_backbone(tmp_path: Path) -> None:
    backbone = trained().train()
    before = {key: value.clone() for key, value in backbone.state_dict().items()}
    export(backbone, "safetensors", tmp_path / "a.safetensors")
    assert backbone.training
    assert all(torch.equal(before[key], value) for key, value in backbone.state_dict().items())


def test_usual_files_of_the_formats_lie_side_by_side(tmp_path: Path) -> None:
    names = [usual_path(tmp_path, to).relative_to(tmp_path).as_posix() for to in formats()]
    assert names == [
        "export/backbone-torchvision.safetensors",
        "export/backbone-timm.safetensors",
        "export/backbone.onnx",
        "export/backbone.safetensors",
    ]
