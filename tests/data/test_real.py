"""Real images, where they are at hand."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from presight.data.canvas import Packed, images_of
from presight.data.open import open_labelled, open_source

ROOT = Path(os.environ.get("PRESIGHT_DATA", Path(__file__).parents[3] / "shared" / "data"))


def place(name: str) -> Path:
    path = ROOT / name
    if not path.exists():
        pytest.skip(f"needs real images: set PRESIGHT_DATA to a folder with {name}")
    return path


@pytest.mark.slow
def test_cifar_is_read_from_its_compressed_shard(tmp_path: Path) -> None:
    source = open_labelled(place("cifar10/test.tar.gz"), workers=2)
    assert (len(source), len(source.classes)) == (10_000, 10)
    counts = np.bincount([source.target(i).label for i in range(10_000)])
    assert counts.tolist() == [1000] * 10
    images = images_of(source, side=56, cache_dir=tmp_path, workers=2)
    assert isinstance(images, Packed)
    batch = images.batch(torch.tensor([9_999, 0]))
    assert batch.images.shape == (2, 3, 32, 32)
    np.testing.assert_array_equal(batch.images[0].permute(1, 2, 0).numpy(), source.decode(9_999))


@pytest.mark.slow
def test_photographs_are_read_in_place(tmp_path: Path) -> None:
    source = open_source(place("raccoon/raccoon-voc.tar"), workers=2)
    assert len(source) == 200
    images = images_of(source, side=128, cache_dir=tmp_path, workers=2)
    assert images.sizes.min(1).max() <= 128
