"""Export to ONNX, read back by onnxruntime."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
import torch

from exporting.parts import trained
from presight.core.backbone import Backbone
from presight.errors import IntegrityError, Unavailable, UsageError
from presight.exporting import onnx as exporting
from presight.exporting.export import export, usual_path
from presight.nn.backbones import encoders


class TestOnnx:
    @pytest.fixture(autouse=True)
    def _onnx(self) -> None:
        for name in ("onnx", "onnxscript", "onnxruntime"):
            pytest.importorskip(name)

    @pytest.mark.parametrize("name", ["resnet9:4", "resnet18"])
    def test_other_batches_and_sizes_give_the_backbones_features(
        self, tmp_path: Path, name: str
    ) -> None:
        import onnxruntime

        backbone = trained() if name == "resnet18" else encoders(name, image_size=32)().eval()
        result = export(backbone, "onnx", tmp_path / "b.onnx")
        assert result.missing == result.unexpected == ()
        assert result.max_difference < 1e-4
        session = onnxruntime.InferenceSession(str(result.path), providers=["CPUExecutionProvider"])
        for shape in ((1, 3, 40, 56), (7, 3, 32, 32)):
            images = torch.rand(shape, generator=torch.Generator().manual_seed(1))
            (found,) = session.run(None, {"images": images.numpy()})
            with torch.no_grad():
                expected = backbone.eval()(images)
            assert torch.allclose(torch.from_numpy(found), expected, atol=1e-4)
        assert [path.name for path in tmp_path.iterdir()] == ["b.onnx"]  # weights inside

    def test_a_transformer_keeps_its_size(self, tmp_path: Path) -> None:
        pytest.importorskip("timm")
        backbone = encoders("timm/vit_tiny_patch16_224", image_size=32)()
        result = export(backbone, "onnx", tmp_path / "b.onnx")
        assert result.keys > 0

    def test_a_network_that_differs_is_not_written(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = exporting._run
        monkeypatch.setattr(exporting, "_run", lambda *args: run(*args) + 0.01)
        with pytest.raises(IntegrityError, match="differ"):
            export(trained(), "onnx", tmp_path / "b.onnx")
        assert list(tmp_path.iterdir()) == []

    def test_what_onnx_does_not_have_is_refused_with_what_works(self, tmp_path: Path) -> None:
        class Odd(Backbone):
            dim, stage_dims, source = 3, (3,), "own:odd"

            def stages(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
                return (images * float(torch.rand(())),)

        class Branch(Odd):
            def stages(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
                return (images if images.sum() > 0 else -images,)

        with pytest.raises(UsageError, match=r"does not fit onnx.*that work: safetensors\."):
            export(Branch(), "onnx", tmp_path / "b.onnx")

    def test_another_ending_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match=r"ends in \.onnx"):
            export(trained(), "onnx", tmp_path / "b.bin")


def test_it_is_an_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(Unavailable, match=r'pip install "presight\[onnx\]"'):
        exporting.export(trained(), tmp_path / "b.onnx")


def test_its_usual_name_has_its_ending() -> None:
    assert usual_path("runs/a.safetensors", "onnx").name == "backbone.onnx"
