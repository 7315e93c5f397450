from __future__ import annotations

import numpy as np
import torch
from torchvision.transforms.v2 import functional as tv

from presight.views import rand_augment_uint8
from presight.views.rand_augment import OPS

from .pictures import pictures


def _applied(image: torch.Tensor, name: str, value: float) -> torch.Tensor:
    array = image.permute(1, 2, 0).contiguous().numpy().copy()
    rand_augment_uint8.apply(array, OPS.index(name), value)
    return torch.from_numpy(np.ascontiguousarray(array)).permute(2, 0, 1)


def test_table_ops_are_torchvisions_bit_for_bit() -> None:
    for image in pictures(3, 32, 32):
        assert torch.equal(_applied(image, "posterize", 3.0), tv.posterize(image, 3))
        assert torch.equal(_applied(image, "solarize", 100 / 255), tv.solarize(image, 100))
        assert torch.equal(_applied(image, "equalize", 0.0), tv.equalize(image))
        stretched = _applied(image, "autocontrast", 0.0).int() - tv.autocontrast(image).int()
        assert stretched.abs().max() <= 1


def test_whole_translations_are_exact() -> None:
    image = pictures(1, 16, 16)[0]
    right = _applied(image, "translate-x", 3.0)
    down = _applied(image, "translate-y", -2.0)
    assert torch.equal(right[:, :, 3:], image[:, :, :-3])
    assert torch.equal(down[:, :-2], image[:, 2:])


def test_identity_changes_nothing() -> None:
    image = pictures(1, 8, 8)[0]
    assert torch.equal(_applied(image, "identity", 0.0), image)
