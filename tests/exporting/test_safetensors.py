"""Export with the backbone's own keys."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
import safetensors
import torch

from exporting.parts import loaded, trained
from presight.exporting.export import export
from presight.testing.tiny import TinyBackbone


@pytest.mark.parametrize("image_size", [32, 64])
def test_safetensors_fits_every_backbone(image_size: int, tmp_path: Path) -> None:
    for backbone in (trained("resnet18", image_size), trained("resnet9:4"), TinyBackbone(2)):
        path = tmp_path / "b.safetensors"
        result = export(backbone, "safetensors", path)
        state = backbone.state_dict()
        assert result.missing == result.unexpected == ()
        assert result.keys == len(state)
        assert all(torch.equal(value, state[key]) for key, value in loaded(path).items())


def test_metadata_holds_source_and_constants(tmp_path: Path) -> None:
    path = tmp_path / "b.safetensors"
    export(trained("resnet18", 32), "safetensors", path)
    with safetensors.safe_open(path, "pt") as file:
        words = file.metadata()
    assert words["source"] == "torchvision:resnet18"
    assert words["altered"] == "small stem"
    assert words["mean"] == "0.485 0.456 0.406"
    assert words["std"] == "0.229 0.224 0.225"


@pytest.mark.skipif(os.name == "nt", reason="file modes are POSIX")
def test_file_mode_follows_umask(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        result = export(TinyBackbone(), "safetensors", tmp_path / "b.safetensors")
    finally:
        os.umask(old)
    assert stat.S_IMODE(result.path.stat().st_mode) == 0o640
