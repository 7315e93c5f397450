"""Export in general."""

from __future__ import annotations

from pathlib import Path

import torch

from exporting.parts import trained
from presight.exporting.export import export


def test_export_changes_nothing_in_the_backbone(tmp_path: Path) -> None:
    backbone = trained().train()
    before = {key: value.clone() for key, value in backbone.state_dict().items()}
    export(backbone, "safetensors", tmp_path / "a.safetensors")
    assert backbone.training
    assert all(torch.equal(before[key], value) for key, value in backbone.state_dict().items())
