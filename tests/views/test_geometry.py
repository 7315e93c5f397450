from __future__ import annotations

import torch
from torchvision.transforms.v2 import functional as tv

from presight.views import geometry
from presight.views.params import warp_matrices

from .pictures import BATCH_ERROR, assert_close, pictures


def _images(count: int = 3, height: int = 40, width: int = 56) -> torch.Tensor:
    return pictures(count, height, width).float() / 255.0


def test_resized_crop_is_torchvisions() -> None:
    images = _images()
    boxes = torch.tensor([[3.0, 5.0, 30.0, 37.0], [0.0, 0.0, 56.0, 40.0], [50.0, 1.0, 56.0, 9.0]])
    for antialias in (True, False):
        ours = geometry.resized_crop(images, boxes, 16, antialias=antialias)
        for image, (x0, y0, x1, y1), view in zip(images, boxes.int().tolist(), ours, strict=True):
            theirs = tv.resized_crop(image, y0, x0, y1 - y0, x1 - x0, [16, 16], antialias=antialias)
            torch.testing.assert_close(view, theirs, atol=2e-5, rtol=0)


def test_nothing_outside_the_box_leaks_in() -> None:
    images = _images(1)
    box = torch.tensor([[10.0, 10.0, 30.0, 30.0]])
    other = torch.rand_like(images)
    other[:, :, 10:30, 10:30] = images[:, :, 10:30, 10:30]
    for size in (8, 64):
        torch.testing.assert_close(
            geometry.resized_crop(images, box, size), geometry.resized_crop(other, box, size)
        )


def test_a_full_box_of_equal_size_is_the_identity() -> None:
    images = _images(2, 24, 24)
    full = torch.tensor([[0.0, 0.0, 24.0, 24.0]]).repeat(2, 1)
    torch.testing.assert_close(geometry.resized_crop(images, full, 24), images)


def test_flip_only_where_asked() -> None:
    images = _images(2)
    flipped = geometry.flip(images, torch.tensor([True, False]))
    assert torch.equal(flipped[0], images[0].flip(-1))
    assert torch.equal(flipped[1], images[1])


def test_turns_are_counter_clockwise_and_undone_bit_for_bit() -> None:
    images = _images(2, 8, 8)
    corner = torch.zeros(1, 1, 4, 4)
    corner[..., 0, 3] = 1.0
    assert geometry.rot90(corner, 1)[0, 0, 0, 0] == 1.0
    for turns in range(4):
        turned = geometry.rot90(images, turns)
        assert torch.equal(geometry.rot90(turned, 4 - turns), images)
        assert torch.equal(turned.flatten(2).sort().values, images.flatten(2).sort().values)


def test_shift_reflects_without_repeating_the_border() -> None:
    images = torch.arange(5.0).view(1, 1, 1, 5).expand(2, 1, 5, 5).contiguous()
    shifted = geometry.shift(images, torch.tensor([[2, 0], [-1, 0]]))
    assert shifted[0, 0, 0].tolist() == [2.0, 1.0, 0.0, 1.0, 2.0]
    assert shifted[1, 0, 0].tolist() == [1.0, 2.0, 3.0, 4.0, 3.0]
    down = geometry.shift(images.transpose(2, 3), torch.tensor([[0, 2], [0, -1]]))
    assert torch.equal(down, shifted.transpose(2, 3))


def test_warp_is_torchvisions_affine_inside_the_image() -> None:
    images = _images(4, 64, 64)
    degrees = torch.tensor([20.0, -35.0, 0.0, 7.0])
    translate = torch.tensor([[3.0, -5.0], [0.0, 0.0], [6.0, 2.0], [-4.0, 1.0]])
    zoom = torch.tensor([1.2, 1.0, 0.9, 1.5])
    ours = geometry.warp(images, warp_matrices(degrees, translate, zoom))
    for row in range(4):
        theirs = tv.affine(
            images[row],
            float(degrees[row]),
            translate[row].tolist(),
            float(zoom[row]),
            [0.0, 0.0],
            interpolation=tv.InterpolationMode.BILINEAR,
        )
        middle = slice(20, 44)
        torch.testing.assert_close(
            ours[row][:, middle, middle], theirs[:, middle, middle], atol=1e-4, rtol=0
        )


def test_warp_shear_leans_lines_by_its_tangent() -> None:
    row, column = torch.meshgrid(torch.arange(33.0), torch.arange(33.0), indexing="ij")
    image = (column / 64.0)[None, None]
    none, still, one = torch.zeros(1), torch.zeros(1, 2), torch.ones(1)
    matrices = warp_matrices(none, still, one, torch.tensor([[0.25, 0.0]]))
    leaned = geometry.warp(image, matrices)[0, 0]
    expected = (column - 0.25 * (row - 16.0)) / 64.0
    torch.testing.assert_close(leaned[12:20, 12:20], expected[12:20, 12:20], atol=1e-5, rtol=0)


def test_warp_without_motion_is_the_identity() -> None:
    images = _images(2, 16, 16)
    still = warp_matrices(torch.zeros(2), torch.zeros(2, 2), torch.ones(2))
    torch.testing.assert_close(geometry.warp(images, still), images, atol=BATCH_ERROR, rtol=0)


def test_warp_fills_with_the_mirrored_image() -> None:
    images = _images(1, 32, 32)
    away = warp_matrices(torch.zeros(1), torch.tensor([[8.0, 0.0]]), torch.ones(1))
    moved = geometry.warp(images, away)
    assert_close(moved[..., :8], images[..., :8].flip(-1), mean=1e-3)


def test_cutout_fills_its_box_only() -> None:
    images = _images(2, 8, 8)
    holed = geometry.cutout(images, torch.tensor([[1, 2, 4, 8], [0, 0, 0, 0]]))
    assert (holed[0, :, 2:8, 1:4] == 0.5).all()
    assert torch.equal(holed[0, :, :2], images[0, :, :2])
    assert torch.equal(holed[1], images[1])
