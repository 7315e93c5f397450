"""Export with the backbone's own keys."""

from __future__ import annotations

import os
import stat
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import safetensors
import torch

from exporting.parts import loaded, trained
from presight.core.batch import DataSpec
from presight.errors import IntegrityError
from presight.exporting.export import export
from presight.restore import Origin, load_backbone, origin_of
from presight.testing.tiny import TinyBackbone

SPEC = asdict(DataSpec(64, 32, 16, 4, 1.0))


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


@pytest.mark.parametrize(
    ("name", "stem"), [("resnet9:4", "auto"), ("resnet18", "small"), ("resnet18", "standard")]
)
def test_with_its_origin_presight_builds_the_network_again(
    name: str, stem: Any, tmp_path: Path
) -> None:
    origin = Origin(name, stem, 32, "rotation", {}, SPEC, seed=3)
    backbone, images = trained(name, 32, stem=stem), torch.rand(2, 3, 32, 32)
    result = export(backbone, "safetensors", tmp_path / "b.safetensors", origin)
    held = load_backbone(result.path)
    assert torch.equal(held(images), backbone.eval()(images))
    assert origin_of(result.path) == replace(origin, ordinary=True)
    assert loaded(result.path).keys() == backbone.state_dict().keys()
    first, bare = result.usage.splitlines()
    assert first == f"backbone = presight.load_backbone({str(result.path)!r})"
    assert export(backbone, "safetensors", tmp_path / "c.safetensors").usage.splitlines() == [
        bare.replace("b.safetensors", "c.safetensors")
    ]


def test_of_another_origin_nothing_is_written(tmp_path: Path) -> None:
    """Its file would be read, but not as what was exported."""
    backbone = trained("resnet18", 32, stem="small")
    backbone.register_forward_hook(lambda module, given, out: 2 * out)
    with_code = Origin("resnet18", "small", 32, "rotation", {}, SPEC, seed=3)
    with pytest.raises(IntegrityError, match="features differ"):
        export(backbone, "safetensors", tmp_path / "b.safetensors", with_code)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="file modes are POSIX")
def test_file_mode_follows_umask(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        result = export(TinyBackbone(), "safetensors", tmp_path / "b.safetensors")
    finally:
        os.umask(old)
    assert stat.S_IMODE(result.path.stat().st_mode) == 0o640
