from __future__ import annotations

import torch
from torchvision.transforms.v2 import functional as tv

from presight.core.draw import Draw
from presight.views import rand_augment, rand_augment_uint8
from presight.views.params import RandAugment
from presight.views.rand_augment import OPS

from .pictures import BATCH_ERROR, assert_close, pictures

VALUES = (0.0, 0.2, -0.2, 5.0, -7.0, 20.0, 1.5, 0.4, 1.6, 1.7, 5.0, 0.6, 0.0, 0.0)


def _batched(images: torch.Tensor, op: int) -> torch.Tensor:
    count = len(images)
    choice = RandAugment(torch.full((count, 1), op), torch.full((count, 1), VALUES[op]))
    return rand_augment.apply(images.float() / 255.0, choice)


def test_the_executors_agree_on_every_op() -> None:
    images = pictures(3, 40, 40)
    for op, name in enumerate(OPS):
        done = []
        for image in images:
            array = image.permute(1, 2, 0).contiguous().numpy().copy()
            rand_augment_uint8.apply(array, op, VALUES[op])
            done.append(torch.from_numpy(array).permute(2, 0, 1).float() / 255.0)
        reference = _batched(images, op)
        assert_close(torch.stack(done), reference)
        changed = (reference - images.float() / 255.0).abs().max() > 0.01
        assert bool(changed) == (name != "identity"), name


def test_color_ops_are_torchvisions() -> None:
    images = pictures(3, 40, 40)
    floats = images.float() / 255.0
    references = {
        "brightness": tv.adjust_brightness(floats, 1.5),
        "saturation": tv.adjust_saturation(floats, 0.4),
        "contrast": tv.adjust_contrast(floats, 1.6),
        "sharpness": tv.adjust_sharpness(floats, 1.7),
        "posterize": tv.posterize(images, 5).float() / 255.0,
        "solarize": tv.solarize(floats, 0.6),
        "autocontrast": tv.autocontrast(floats),
        "equalize": tv.equalize(images).float() / 255.0,
    }
    for name, reference in references.items():
        ours = _batched(images, OPS.index(name))
        torch.testing.assert_close(ours, reference, atol=2e-3, rtol=0, msg=name)


def test_constant_images_survive_the_histogram_ops() -> None:
    flat = torch.full((1, 3, 8, 8), 77, dtype=torch.uint8)
    for name in ("autocontrast", "equalize"):
        torch.testing.assert_close(_batched(flat, OPS.index(name)), flat.float() / 255.0)
        array = flat[0].permute(1, 2, 0).contiguous().numpy().copy()
        rand_augment_uint8.apply(array, OPS.index(name), 0.0)
        assert (array == 77).all()


def test_choices_cover_all_ops_with_their_own_values() -> None:
    draw = Draw(0, 0, torch.arange(3000))
    choices = rand_augment.draw_rand_augment(draw, 2, 15.0, 32)
    assert choices is not None
    assert choices.op.shape == (3000, 2)
    counts = torch.bincount(choices.op.flatten(), minlength=len(OPS))
    assert ((counts - 6000 / 14).abs() < 5 * (6000 / 14) ** 0.5).all()
    expected = {
        "identity": {0.0},
        "shear-x": {-0.15, 0.15},
        "rotate": {-15.0, 15.0},
        "brightness": {0.55, 1.45},
        "posterize": {6.0},
        "solarize": {0.5},
    }
    for name, values in expected.items():
        found = choices.value[choices.op == OPS.index(name)].unique()
        reference = torch.tensor(sorted(values))
        torch.testing.assert_close(found, reference, atol=BATCH_ERROR, rtol=0)
    assert rand_augment.draw_rand_augment(draw, 0, 15.0, 32) is None
