"""Names of backbones."""

from __future__ import annotations

import subprocess
import sys

import pytest

from presight.errors import Unavailable, UsageError
from presight.nn import catalog


def test_importing_the_catalog_leaves_torch_alone() -> None:
    code = "import sys, presight.nn.catalog as c; c.names(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


def test_every_name_passes_the_check() -> None:
    assert len(set(catalog.names())) == len(catalog.names())
    for name in catalog.names():
        catalog.check(name)


@pytest.mark.parametrize("typed", ["ResNet-18", "resnet_18", "resnt18", "RESNET18 "])
def test_near_names_are_proposed_blind_to_case_and_dashes(typed: str) -> None:
    with pytest.raises(UsageError, match=r"nearest: .*resnet18"):
        catalog.check(typed)


def test_a_name_like_no_other_is_answered_with_what_exists() -> None:
    with pytest.raises(UsageError, match="presight list backbones"):
        catalog.check("qqqq")


@pytest.mark.parametrize("name", ["resnet9:0", "resnet9:x", "resnet9:-4", "resnet9:", "resnet9:²"])
def test_widths_that_are_none_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match="1 to 1024"):
        catalog.check(name)


def test_width_of_the_own_network() -> None:
    assert catalog.native_width("resnet9") == 16
    assert catalog.native_width("resnet9:48") == 48
    assert catalog.native_width("vit") == 128
    assert catalog.native_width("vit:96") == 96


@pytest.mark.parametrize("name", ["vit:48", "vit:0", "vit:2048", "vit:"])
def test_widths_of_the_transformer_are_heads_of_32(name: str) -> None:
    with pytest.raises(UsageError, match="a multiple of 32 from 32 to 1024, such as vit:128"):
        catalog.check(name)


def test_widths_of_torchvisions_networks() -> None:
    assert (catalog.first_width("vgg11_bn:8"), catalog.first_width("alexnet")) == (8, 64)
    assert catalog.family_of("vgg11_bn:8") == "vgg"
    assert not catalog.is_foreign("resnet18:make")
    for name in ("alexnet:", "vgg16:0", "resnet18:x", "resnet50:4000"):
        with pytest.raises(UsageError, match=r"a whole number from 1 to 1024, such as .*:64"):
            catalog.check(name)
    with pytest.raises(UsageError, match="convnext_tiny has one width only"):
        catalog.check("convnext_tiny:32")


def test_families_with_two_stems() -> None:
    with_two = {name for name in catalog.names() if catalog.has_small_stem(name)}
    assert with_two == {*catalog.FAMILIES["resnet"], "alexnet"}


def test_timm_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(Unavailable, match=r'pip install "presight\[timm\]"'):
        catalog.check("timm/resnet18")


def test_a_module_that_does_not_exist_is_named() -> None:
    catalog.check("presight.nn.native:ResNet9")
    with pytest.raises(UsageError, match=r"no_such_package\.networks"):
        catalog.check("no_such_package.networks:make")


def test_sources_are_names_too() -> None:
    assert catalog.canonical("torchvision:resnet18") == "resnet18"
    assert catalog.canonical("timm:vit_tiny_patch16_224") == "timm/vit_tiny_patch16_224"
    assert catalog.canonical("own:resnet9:16") == "resnet9:16"
    assert catalog.canonical("own:vit:64") == "vit:64"
