from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from evaluation.doubles import Pictures, Small, Whole, colored
from presight.errors import IntegrityError, UsageError
from presight.evaluation.features import (
    backbone_digest,
    cached,
    extract,
    raw_pixels,
    tensor_digests,
)

IMAGES = colored(10, 0).images


def test_row_i_is_image_i_whatever_the_batch() -> None:
    torch.manual_seed(0)
    backbone = Small()
    whole = extract(backbone, IMAGES, size=8, views=Whole(), batch_size=10)
    parts = extract(backbone, IMAGES, size=8, views=Whole(), batch_size=3)
    assert whole.shape == (10, 6)
    assert whole.dtype == torch.float32
    assert torch.allclose(whole, parts, atol=1e-6)
    backbone.eval()
    last = backbone(IMAGES.pixels[9:].float() / 255.0)  # type: ignore[attr-defined]
    assert torch.allclose(whole[9:], last, atol=1e-6)
    assert not whole.requires_grad


def test_modes_and_tensors_are_as_before() -> None:
    backbone = Small().train()
    backbone.layers[1].eval()
    before = tensor_digests(backbone)
    extract(backbone, IMAGES, size=8, views=Whole())
    assert tensor_digests(backbone) == before
    assert backbone.training
    assert backbone.layers[0].training
    assert not backbone.layers[1].training


def test_features_that_are_not_finite_are_refused() -> None:
    backbone = Small()
    backbone.layers[0].bias.data[0] = float("nan")  # type: ignore[union-attr]
    with pytest.raises(UsageError, match="10 of 10 images hold NaN or infinity"):
        extract(backbone, IMAGES, size=8, views=Whole())


class Stubborn(Small):
    """Its batch norm never leaves training mode."""

    def train(self, mode: bool = True) -> Stubborn:
        super().train(mode)
        self.layers[1].train()
        return self


def test_a_batch_norm_in_training_mode_is_caught() -> None:
    with pytest.raises(IntegrityError, match=r"layers\.1\.running_mean"):
        extract(Stubborn(), IMAGES, size=8, views=Whole())


class Failing(Small):
    def stages(self, images: Tensor) -> tuple[Tensor, ...]:
        raise RuntimeError("broken")


def test_modes_are_restored_after_an_error() -> None:
    backbone = Failing().train()
    with pytest.raises(RuntimeError, match="broken"):
        extract(backbone, IMAGES, size=8, views=Whole())
    assert all(module.training for module in backbone.modules())


def test_progress_and_options() -> None:
    seen: list[tuple[int, int]] = []
    backbone = Small()
    plain = extract(backbone, IMAGES, size=8, views=Whole())
    other = extract(
        backbone,
        IMAGES,
        size=8,
        views=Whole(),
        batch_size=4,
        bfloat16=True,
        channels_last=True,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(4, 10), (8, 10), (10, 10)]
    assert other.dtype == torch.float32
    assert not torch.equal(other, plain)
    assert torch.allclose(other, plain, atol=0.05)
    with pytest.raises(UsageError):
        extract(backbone, IMAGES, size=8, views=Whole(), batch_size=0)


def test_raw_pixels_are_the_pixels() -> None:
    pixels = torch.arange(2 * 3 * 4 * 4).reshape(2, 3, 4, 4).to(torch.uint8)
    features = raw_pixels(Pictures(pixels), 4, views=Whole())
    assert torch.equal(features, pixels.flatten(1).float() / 255.0)


def test_digest_sees_every_tensor_and_the_layout() -> None:
    backbone = Small()
    known = backbone_digest(backbone)
    assert backbone_digest(backbone) == known
    with torch.no_grad():
        backbone.layers[0].bias[3] += 1e-6
    changed = backbone_digest(backbone)
    assert changed != known
    backbone.source = "own:other"
    assert backbone_digest(backbone) != changed


def test_digest_sees_buffers_outside_the_state_dict() -> None:
    backbone = Small()
    backbone.register_buffer("scale", torch.ones(3), persistent=False)
    known = backbone_digest(backbone)
    backbone.get_buffer("scale").mul_(2.0)
    assert backbone_digest(backbone) != known


def test_cache_is_by_content(tmp_path: Path) -> None:
    calls: list[int] = []

    def compute() -> Tensor:
        calls.append(1)
        return torch.full((2, 2), float(len(calls)))

    def ask(weights: str = "w", data: str = "d", size: int = 8, view: str = "center") -> float:
        return float(cached(weights, data, size, tmp_path / "new", compute, view=view)[0, 0])

    assert [ask(), ask()] == [1.0, 1.0]
    assert [ask(weights="v"), ask(data="e"), ask(size=9), ask(view="x")] == [2.0, 3.0, 4.0, 5.0]
    assert ask() == 1.0
    assert float(cached("w", "d", 8, None, compute)[0, 0]) == 6.0


def test_a_damaged_cache_is_computed_again(tmp_path: Path) -> None:
    cached("w", "d", 8, tmp_path, lambda: torch.ones(4))
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-3])
    assert torch.equal(cached("w", "d", 8, tmp_path, lambda: torch.zeros(4)), torch.zeros(4))
    assert torch.equal(cached("w", "d", 8, tmp_path, lambda: torch.ones(4)), torch.zeros(4))


def test_a_backbone_without_batch_norm_may_be_shared() -> None:
    backbone = Small()
    backbone.layers = nn.Sequential(nn.Conv2d(3, 6, 1), nn.ReLU())
    first = extract(backbone, IMAGES, size=8, views=Whole())
    assert torch.equal(first, extract(backbone, IMAGES, size=8, views=Whole()))


def test_by_default_the_center_of_the_image() -> None:
    pixels = torch.randint(0, 256, (2, 3, 8, 8), generator=torch.Generator().manual_seed(0))
    wide = torch.zeros(2, 3, 8, 16, dtype=torch.uint8)
    wide[..., 4:12] = pixels.to(torch.uint8)
    features = raw_pixels(Pictures(wide), 8)
    assert torch.allclose(features, pixels.flatten(1).float() / 255.0, atol=0.01)
