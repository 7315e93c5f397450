from __future__ import annotations

import dataclasses

import pytest
import torch

from presight import views
from presight.core.batch import Batch
from presight.core.draw import Draw
from presight.errors import UsageError
from presight.views.single import PadCrop, Rotations

from .pictures import pictures


def _batch(count: int = 8, height: int = 32, width: int = 32) -> Batch:
    return Batch.of(pictures(count, height, width))


def _draw(batch: Batch) -> Draw:
    return Draw(0, 0, batch.index)


def test_center_of_a_square_of_equal_size_is_the_image() -> None:
    batch = _batch()
    made = views.recipe("center", size=32)(batch, _draw(batch))["view"]
    torch.testing.assert_close(made, batch.images.float() / 255.0)


def test_flip_mirrors_about_half() -> None:
    batch = _batch(64)
    made = views.recipe("flip", size=32)(batch, _draw(batch))["view"]
    plain = views.recipe("center", size=32)(batch, _draw(batch))["view"]
    same = [torch.equal(a, b) for a, b in zip(made, plain, strict=True)]
    mirrored = [torch.equal(a, b.flip(-1)) for a, b in zip(made, plain, strict=True)]
    assert all(a != b for a, b in zip(same, mirrored, strict=True))
    assert 16 < sum(mirrored) < 48


@pytest.mark.parametrize("executor", ["per-image", "batched"])
@pytest.mark.parametrize("name", ["flip", "pad-crop", "crop"])
def test_images_without_an_up_are_upended_on_request(name: str, executor: str) -> None:
    batch = _batch(48)
    recipe = dataclasses.replace(views.recipe(name, size=32), executor=executor)
    assert recipe.vertical == 0.0
    plain = recipe(batch, _draw(batch))["view"]
    always = dataclasses.replace(recipe, vertical=1.0)(batch, _draw(batch))["view"]
    half = dataclasses.replace(recipe, vertical=0.5)(batch, _draw(batch))["view"]
    if name != "pad-crop":  # whose shift comes after the mirror
        assert torch.equal(always, plain.flip(-2))
    up = [torch.equal(a, b) for a, b in zip(half, plain, strict=True)]
    down = [torch.equal(a, b) for a, b in zip(half, always, strict=True)]
    assert all(a != b for a, b in zip(up, down, strict=True))
    assert 12 < sum(down) < 36


def test_pad_crop_pads_in_proportion_and_shifts() -> None:
    assert PadCrop().sized(32).pad == 4
    assert PadCrop().sized(96).pad == 12
    assert PadCrop(pad=1).sized(96).pad == 1
    batch = _batch(40)
    image = batch.images.float() / 255.0
    made = dataclasses.replace(views.recipe("pad-crop", size=32), flip=0.0)(batch, _draw(batch))
    inner = made["view"][:, :, 4:-4, 4:-4]
    found = set()
    for row in range(40):
        places = [
            (x, y)
            for y in range(9)
            for x in range(9)
            if torch.equal(inner[row], image[row, :, y : y + 24, x : x + 24])
        ]
        assert len(places) == 1
        found.add(places[0])
    assert len(found) > 20


def test_a_pad_must_leave_something_of_the_side() -> None:
    assert PadCrop(pad=31).sized(32).pad == 31
    with pytest.raises(UsageError, match=r"pad = 32 .* 32 pixels"):
        PadCrop(pad=32).sized(32)


def test_rotations_turn_one_view_in_all_four_ways() -> None:
    batch = _batch()
    made = views.recipe("rotations", size=32)(batch, _draw(batch))
    assert made["turns"].tolist() == [turn for turn in range(4) for _ in range(8)]
    upright = made["views"][:8]
    for turn, block in enumerate(made["views"].chunk(4)):
        assert torch.equal(block, torch.rot90(upright, turn, (-2, -1)))


def test_rotations_choose_the_crop_by_size() -> None:
    assert Rotations().sized(32).crop == "padded"
    assert Rotations().sized(64).crop == "resized"
    assert Rotations(crop="resized").sized(32).crop == "resized"
    batch = _batch(4, 60, 60)
    padded, resized = Rotations().sized(32), Rotations(crop="resized").sized(32)
    assert padded.params(batch, _draw(batch)).boxes.tolist() == [[0.0, 0.0, 60.0, 60.0]] * 4
    assert resized.params(batch, _draw(batch)).shift is None
