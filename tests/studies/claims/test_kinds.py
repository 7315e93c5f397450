from __future__ import annotations

import pytest

from presight.evaluation.tasks.sets import TASKS
from presight.studies.claims import kinds


def test_every_task_has_a_kind() -> None:
    assert set(kinds.TASKS) == set(TASKS)


@pytest.mark.parametrize(
    ("world", "count"), [("TCVL=0000", 0), ("TCVL=1011", 3), ("", None), ("photos", None)]
)
def test_factors(world: str, count: int | None) -> None:
    assert kinds.factors(world) == count


def test_sizes() -> None:
    assert kinds.size("resnet9:8") < kinds.size("resnet9:16")
    assert kinds.size("resnet18") < kinds.size("resnet50")
    assert kinds.size("vit:64") < kinds.size("vit:128")
    assert kinds.size("vit:64")[0] == "vit"
    assert kinds.size("alexnet:8") < kinds.size("alexnet:16") < kinds.size("alexnet")
    assert kinds.size("resnet18") < kinds.size("resnet34:8")
    assert kinds.size("vgg11_bn") < kinds.size("vgg19")
    assert kinds.size("timm/vit_tiny")[0] == ""


def test_losses_come_from_cards() -> None:
    assert kinds.loss("simclr") == "contrastive"
    assert kinds.loss("vae") == "pixels"
    assert kinds.loss("bigan") == "adversarial"
    assert kinds.loss("rotation") == ""
    assert kinds.loss("runs/a") == ""


def test_what_lacks_is_told_apart() -> None:
    told = kinds.lacking(("simclr", "no-such", "vae"), ["vae"])
    assert told == "no-such has not landed. Not in this study: simclr."
    assert kinds.lacking(("vae",), ["vae"]) == ""
