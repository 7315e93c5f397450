"""Export to torchvision's keys."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torchvision

from exporting.parts import loaded, trained
from presight.errors import UsageError
from presight.exporting.export import export
from presight.nn.backbones import encoders
from presight.testing.tiny import TinyBackbone


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small", "alexnet"])
def test_torchvision_loads_all_but_the_classifier(name: str, tmp_path: Path) -> None:
    backbone = trained(name)
    result = export(backbone, "torchvision", tmp_path / "new" / "weights.safetensors")
    library = torchvision.models.get_model(name, weights=None)
    answer = library.load_state_dict(loaded(result.path), strict=False)
    head = {key for key in library.state_dict() if key.startswith(("fc.", "classifier."))}
    assert set(answer.missing_keys) == head == set(result.missing)
    assert answer.unexpected_keys == []
    assert result.unexpected == ()
    assert result.keys == len(library.state_dict()) - len(head)
    assert result.max_difference < 1e-5
    assert "load_state_dict" in result.usage


@pytest.mark.slow
def test_a_vgg_is_loaded_too(tmp_path: Path) -> None:
    result = export(trained("vgg11_bn"), "torchvision", tmp_path / "vgg.safetensors")
    assert {key.partition(".")[0] for key in result.missing} == {"classifier"}
    assert result.max_difference < 1e-5


def test_other_channels_widths_and_norms_are_refused(tmp_path: Path) -> None:
    factory = encoders("resnet18", image_size=64)
    for made, words in ((factory(2), "2 channels"), (factory(width=0.25), "width 0.25")):
        with pytest.raises(UsageError, match=words):
            export(made, "torchvision", tmp_path / "b.safetensors")
    normed = factory(width=1.0, norm=lambda c: torch.nn.GroupNorm(1, c))
    with pytest.raises(UsageError, match="another norm"):
        export(normed, "torchvision", tmp_path / "b.safetensors")


def test_a_backbone_that_only_says_torchvision_is_refused(tmp_path: Path) -> None:
    impostor = TinyBackbone()
    impostor.source = "torchvision:resnet18"
    with pytest.raises(UsageError, match="does not fit torchvision"):
        export(impostor, "torchvision", tmp_path / "b.safetensors")
