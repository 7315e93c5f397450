"""Export to timm's keys."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from exporting.parts import loaded, trained
from presight.errors import Unavailable
from presight.exporting.export import export
from presight.nn import catalog
from presight.nn.backbones import encoders


class TestTimm:
    @pytest.fixture(autouse=True)
    def _timm(self) -> None:
        pytest.importorskip("timm")

    def test_a_torchvision_resnet_loads_in_timm(self, tmp_path: Path) -> None:
        import timm

        result = export(trained(), "timm", tmp_path / "b.safetensors")
        assert result.missing == result.unexpected == ()
        model = timm.create_model("resnet18", num_classes=0, checkpoint_path=str(result.path))
        weights = loaded(result.path)
        assert torch.equal(model.state_dict()["conv1.weight"], weights["conv1.weight"])

    def test_a_timm_transformer_loads_in_timm(self, tmp_path: Path) -> None:
        backbone = encoders("timm/vit_tiny_patch16_224", image_size=32)()
        result = export(backbone, "timm", tmp_path / "b.safetensors")
        assert result.missing == result.unexpected == ()
        assert "img_size=32" in result.usage

    def test_timm_is_an_extra(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(catalog.importlib.util, "find_spec", lambda name: None)
        with pytest.raises(Unavailable, match="pip install"):
            export(trained(), "timm", tmp_path / "b.safetensors")
