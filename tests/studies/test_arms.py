from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torchvision.models import ResNet18_Weights, resnet18

from presight.errors import Unavailable
from presight.evaluation.parts import Pixels
from presight.studies.arms import Arms
from presight.studies.cells import IMAGENET, NONE, PIXELS, Arm
from presight.studies.plan import Plan, World

WORLDS = (World("a", "scenes:8", "scenes:8"), World("b", "scenes:9", "scenes:9"))


def arms(out: Path, **changes: object) -> Arms:
    options = {
        "worlds": WORLDS,
        "methods": ("rotation", NONE),
        "backbones": ("resnet9:2", "resnet18"),
    }
    return Arms(Plan(**{**options, **changes}), out)  # type: ignore[arg-type]


def test_every_backbone_has_its_scratch_and_every_world_its_pretraining(tmp_path: Path) -> None:
    found = arms(tmp_path).all()
    assert len(found) == 2 * 2 + 2
    assert arms(tmp_path).measured_on(Arm("rotation", "resnet18", "b")) == ["b"]
    assert arms(tmp_path).measured_on(Arm(NONE, "resnet18")) == ["a", "b"]
    crossed = arms(tmp_path, pairs=(("a", "a"), ("a", "b")))
    assert crossed.measured_on(Arm("rotation", "resnet18", "a")) == ["a", "b"]
    assert len(crossed.all()) == 2 + 2


def test_folders_and_requests_are_apart(tmp_path: Path) -> None:
    made = arms(tmp_path)
    two = [Arm("rotation", "resnet18", "a"), Arm("rotation", "resnet18", "b")]
    assert len({made.folder(arm, seed) for arm in two for seed in (0, 1)}) == 4
    assert not made.is_there(two[0], 0)
    assert made.is_there(Arm(NONE, "resnet18"), 0)
    assert made.asked(two[0], 0) != made.asked(two[1], 0)
    longer = arms(tmp_path, epochs=3)  # a finished shorter run is not it
    assert made.asked(two[0], 0) != longer.asked(two[0], 0)
    assert made.folder(two[0], 0) != longer.folder(two[0], 0)


def test_networks_that_are_not_pretrained_follow_the_seed(tmp_path: Path) -> None:
    made, scratch = arms(tmp_path), Arm(NONE, "resnet9:2")
    images = torch.rand(2, 3, 32, 32)
    one, again, other = (made.network(scratch, seed)(images) for seed in (0, 0, 1))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert isinstance(made.network(Arm(PIXELS, ""), 0), Pixels)
    assert made.stages("resnet9:2") == 4


def test_weights_of_imagenet_belong_to_it_where_they_are_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    arm = Arm(IMAGENET, "resnet18")
    assert arm not in arms(tmp_path).all()
    with pytest.raises(Unavailable, match="presight does not download weights"):
        arms(tmp_path, methods=(IMAGENET, NONE), backbones=("resnet18",)).all()
    weights = resnet18().state_dict()
    (tmp_path / "checkpoints").mkdir()
    torch.save(weights, tmp_path / "checkpoints" / Path(ResNet18_Weights.DEFAULT.url).name)
    assert arm in arms(tmp_path).all()
    own = arms(tmp_path).network(arm, 0).state_dict()
    assert torch.equal(own["trunk.conv1.weight"], weights["conv1.weight"])
