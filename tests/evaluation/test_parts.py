from __future__ import annotations

import pytest
import torch

from presight.evaluation.parts import FirstStages, Pixels
from presight.nn.backbones import encoders


@pytest.mark.parametrize("last", [1, 2, 3])
def test_the_first_stages_are_the_backbones_own(last: int) -> None:
    backbone = encoders("resnet9:4", image_size=16)().eval()
    part, images = FirstStages(backbone, last), torch.rand(2, 3, 16, 16)
    maps = backbone.stages(images)[:last]
    assert all(torch.equal(a, b) for a, b in zip(part.stages(images), maps, strict=True))
    assert torch.equal(part(images), maps[-1].mean((2, 3)))
    assert part(images).shape == (2, part.dim)


def test_pixels_are_moved_and_never_mixed() -> None:
    images = torch.rand(2, 3, 32, 32)
    for maps, dim in zip(Pixels().stages(images), Pixels.stage_dims, strict=True):
        assert maps.shape[1] == dim
        assert torch.equal(maps.flatten().sort().values, images.flatten().sort().values)
    patch = Pixels().stages(images)[0][0, :, 1, 2].view(3, 4, 4)
    assert torch.equal(patch, images[0, :, 4:8, 8:12])
    assert Pixels()(images).shape == (2, Pixels.dim)
    assert torch.allclose(Pixels()(images)[0, 0], images[0, 0, :2, :2].mean())


def test_pixels_of_any_side_have_maps() -> None:
    assert [maps.shape[-2:] for maps in Pixels().stages(torch.rand(1, 3, 30, 36))] == [
        (8, 10),
        (4, 5),
    ]
