from __future__ import annotations

import pytest

from presight.nn import catalog
from presight.studies.claims.backbones import on_backbones

from . import verdicts
from .planting import At, study


@pytest.fixture
def two_old_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    more = {"vgg": ("vgg11_bn", "vgg16_bn"), "alexnet": ("alexnet",)}
    monkeypatch.setattr(catalog, "FAMILIES", {**catalog.FAMILIES, **more})


@pytest.mark.parametrize(
    ("by", "verdict"), [(0.06, "agrees"), (-0.06, "disagrees"), (0.0, "inconclusive")]
)
def test_vgg_against_alexnet_where_detail_counts(
    by: float, verdict: str, two_old_ones: None
) -> None:
    def score(at: At) -> float:
        return at.scratch + by * (at.backbone == "vgg11_bn") * (at.task == "segmentation")

    rows = study(
        score, backbones=("vgg11_bn", "alexnet"), tasks=("classification", "segmentation"),
        modes=("finetune",),
    )  # fmt: skip
    claim = verdicts.of(on_backbones, rows)["VGG against AlexNet"]
    assert claim.verdict == verdict
    assert claim.effect is not None
    assert claim.effect.value == pytest.approx(by, abs=0.02)
    assert "classification" not in claim.measured


def test_which_backbone_lacks_is_said(two_old_ones: None) -> None:
    rows = study(lambda at: at.scratch, backbones=("vgg11_bn",))
    assert verdicts.of(on_backbones, rows)["VGG against AlexNet"].missing.endswith(": AlexNet.")


@pytest.mark.parametrize(("by", "verdict"), [(0.06, "agrees"), (-0.06, "disagrees")])
def test_the_larger_of_a_family(by: float, verdict: str) -> None:
    def score(at: At) -> float:
        return at.scratch + by * (at.backbone == "resnet50")

    rows = study(score, backbones=("resnet50", "resnet18", "densenet121"), modes=("finetune",))
    claim = verdicts.of(on_backbones, rows)["larger backbones"]
    assert claim.verdict == verdict
    assert "resnet50 less resnet18" in claim.measured


def test_width_tells_the_size_of_our_own() -> None:
    def score(at: At) -> float:
        return at.scratch + 0.06 * (at.backbone == "resnet9:16")

    rows = study(score, backbones=("resnet9:16", "resnet9:8"))
    claim = verdicts.of(on_backbones, rows)["larger backbones"]
    assert claim.verdict == "agrees"
    assert "resnet9:16 less resnet9:8" in claim.measured


def test_pretexts_that_suit_different_backbones() -> None:
    def score(at: At) -> float:
        best = {"resnet18": "simclr", "densenet121": "vae"}[at.backbone]
        return at.scratch + 0.06 * (at.method == best)

    rows = study(score, backbones=("resnet18", "densenet121"))
    claim = verdicts.of(on_backbones, rows)["architecture and pretext"]
    assert claim.verdict == "agrees"
    assert claim.measured.startswith("Frozen, ")
    assert claim.effect is not None
    assert abs(claim.effect.value) == pytest.approx(0.12, abs=0.03)


def test_a_better_backbone_for_all_is_no_interaction() -> None:
    def score(at: At) -> float:
        return at.scratch + 0.1 * (at.backbone == "resnet18") + 0.05 * (at.method == "vae")

    rows = study(score, backbones=("resnet18", "densenet121"), modes=("finetune",))
    claim = verdicts.of(on_backbones, rows)["architecture and pretext"]
    assert claim.verdict == "inconclusive"
    assert claim.measured.startswith("Fine-tuned, ")
    alone = study(score, backbones=("resnet18",))
    assert verdicts.of(on_backbones, alone)["architecture and pretext"].verdict == "not measured"
