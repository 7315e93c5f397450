"""Checks that every export shares, and that they are alive."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import torch

from exporting.parts import trained
from presight.errors import IntegrityError, UsageError
from presight.exporting import formats, layout
from presight.exporting.export import export
from presight.testing.tiny import TinyBackbone


@pytest.mark.parametrize("to", ["torchvision", "timm"])
def test_small_stem_is_refused_with_what_works(to: str, tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"small stem.*--stem standard.*that work: .*safetensors\."
    ):
        export(trained("resnet18", 32), to, tmp_path / "b.safetensors")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("to", ["torchvision", "timm"])
def test_own_networks_are_refused(to: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"own:resnet9:4.*that work: .*safetensors\."):
        export(trained("resnet9:4"), to, tmp_path / "b.safetensors")


def test_a_network_that_computes_something_else_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The comparison is live: with other constants the features differ and nothing stays."""
    monkeypatch.setattr(layout, "normalized", lambda images, words: images)
    with pytest.raises(IntegrityError, match="features differ"):
        export(trained(), "torchvision", tmp_path / "b.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_keys_that_do_not_load_are_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = layout.store.load_tensors

    def partial(path: Path) -> dict[str, torch.Tensor]:
        tensors = whole(path)
        tensors["extra"] = tensors.pop("conv1.weight")
        return tensors

    monkeypatch.setattr(layout.store, "load_tensors", partial)
    with pytest.raises(IntegrityError, match=r"missing \['conv1.weight'\], unexpected \['extra'\]"):
        export(trained(), "torchvision", tmp_path / "b.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_an_older_file_stays_where_the_new_one_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "b.safetensors"
    export(TinyBackbone(), "safetensors", path)
    before = path.read_bytes()
    monkeypatch.setattr(layout, "TOLERANCE", -1.0)
    with pytest.raises(IntegrityError):
        export(TinyBackbone(), "safetensors", path)
    assert path.read_bytes() == before


def installed(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Of the extras, these alone are there."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name in names or None)


def test_fitting_formats(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, "timm", *layout.ONNX_NEEDS)
    assert layout.fitting(trained()) == ("torchvision", "timm", "onnx", "safetensors")
    small = trained("mobilenet_v3_small")
    assert layout.fitting(small) == ("torchvision", "onnx", "safetensors")
    assert layout.fitting(small, but="onnx") == ("torchvision", "safetensors")
    assert set(layout.fitting(TinyBackbone())) <= set(formats.formats())


@pytest.mark.parametrize("missing", [*layout.ONNX_NEEDS, "timm"])
def test_what_is_not_installed_does_not_fit(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, *({*layout.ONNX_NEEDS, "timm"} - {missing}))
    to = "timm" if missing == "timm" else "onnx"
    assert set(formats.formats()) - set(layout.fitting(trained())) == {to}


def test_a_refusal_names_onnx_where_it_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(monkeypatch, *layout.ONNX_NEEDS)
    with pytest.raises(UsageError, match=r"that work: onnx, safetensors\."):
        export(trained("resnet9:4"), "torchvision", tmp_path / "b.safetensors")
