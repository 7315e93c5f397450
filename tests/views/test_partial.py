from __future__ import annotations

import dataclasses

import pytest
import torch

from presight import views
from presight.core.batch import Batch
from presight.core.draw import Draw
from presight.errors import UsageError
from presight.views.partial import Masked, Noisy, Patches
from presight.views.single import Crop

from .pictures import pictures


def _batch(count: int = 5) -> Batch:
    return Batch.of(pictures(count, 48, 48))


def _draw(batch: Batch) -> Draw:
    return Draw(0, 0, batch.index)


def test_the_canonical_grid_has_patches_of_64() -> None:
    recipe = Patches().sized(255)
    assert recipe.jitter_pixels == 21
    assert Patches().sized(30).jitter_pixels == 2


def test_patches_are_cut_from_their_cells() -> None:
    batch = _batch()
    recipe = dataclasses.replace(Patches(gray=0.0, gap=2).sized(30), executor="batched")
    made = recipe(batch, _draw(batch))["patches"]
    side = 30 // 3 - 2 - recipe.jitter_pixels
    assert made.shape == (9 * 5, 3, side, side)
    view = {f.name: getattr(recipe, f.name) for f in dataclasses.fields(Crop)}
    picture = Crop(**view)(batch, _draw(batch))["view"]
    for number, block in enumerate(made.unflatten(0, (9, 5))):
        top, left = 10 * (number // 3), 10 * (number % 3)
        for row in range(5):
            cell = picture[row, :, top + 1 : top + 9, left + 1 : left + 9]
            windows = cell.unfold(1, side, 1).unfold(2, side, 1)
            near = (windows - block[row][:, None, None]).abs().amax((0, 3, 4))
            assert near.min() == 0


def test_standardized_patches_have_no_mean_and_unit_spread() -> None:
    batch = _batch()
    made = Patches(standardize=True).sized(30)(batch, _draw(batch))["patches"].flatten(1)
    torch.testing.assert_close(made.mean(1), torch.zeros(45), atol=1e-5, rtol=0)
    assert (made.std(1, unbiased=False) <= 1.0001).all()


def test_patches_move_evenly_in_their_cells() -> None:
    """On a ramp the first value of a patch is the place that it was cut at."""
    ramp = torch.arange(30, dtype=torch.uint8).expand(900, 3, 30, 30).contiguous()
    batch = Batch.of(ramp)
    still = Patches(scale=(1.0, 1.0), gray=0.0, jitter_pixels=2, gap=1).sized(30)
    made = still(batch, _draw(batch))["patches"]
    left = (made[:, 0, 0, 0] * 255).round().view(9, 900)
    for cell, places in enumerate(left):
        values, counts = places.unique(return_counts=True)
        assert (values - 10 * (cell % 3)).tolist() == [1.0, 2.0, 3.0]
        assert ((counts - 300).abs() < 5 * 300**0.5).all()


@pytest.mark.parametrize(
    "options", [{"grid": 10, "gap": 2, "jitter_pixels": 3}, {"gap": 11}, {"grid": 40}]
)
def test_a_grid_without_room_is_refused(options: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="leave no pixel"):
        Patches(**options).sized(32)


def test_masked_keeps_a_quarter_and_says_which() -> None:
    batch = _batch()
    for region in ("scattered", "smooth"):
        recipe = Masked(region=region).sized(32)
        made = recipe(batch, _draw(batch))
        assert made["keep"].shape == (5, 16)
        assert made["mask"].shape == (5, 64)
        assert (made["mask"].sum(1) == 48).all()
        assert not made["mask"].gather(1, made["keep"]).any()
        assert (made["keep"].diff(dim=1) > 0).all()


def test_scattered_masks_hide_every_patch_equally_often() -> None:
    batch = Batch.of(torch.zeros(1000, 3, 8, 8, dtype=torch.uint8))
    mask = Masked(patch=2).sized(8)(batch, _draw(batch))["mask"]
    often = mask.float().mean(0)
    assert ((often - 0.75).abs() < 5 * (0.75 * 0.25 / 1000) ** 0.5).all()


def test_blocks_lie_everywhere_equally_often() -> None:
    batch = Batch.of(torch.zeros(900, 3, 8, 8, dtype=torch.uint8))
    mask = Masked(patch=2, region="block", share=0.25).sized(8)(batch, _draw(batch))["mask"]
    counts = mask.int().argmax(1).unique(return_counts=True)[1]
    assert len(counts) == 9
    assert ((counts - 100).abs() < 5 * 100**0.5).all()


def test_smooth_masks_have_shorter_borders() -> None:
    batch = _batch(50)

    def border(region: str) -> float:
        mask = Masked(region=region, share=0.5).sized(32)(batch, _draw(batch))["mask"]
        cells = mask.view(-1, 8, 8).float()
        return float(cells.diff(dim=1).abs().mean() + cells.diff(dim=2).abs().mean())

    assert border("smooth") < 0.7 * border("scattered")


@pytest.mark.parametrize(("share", "square"), [(0.25, 4), (0.75, 7), (1.0, 8)])
@pytest.mark.parametrize("region", ["block", "center"])
def test_a_square_of_about_the_share_is_hidden(region: str, share: float, square: int) -> None:
    batch = _batch(30)
    made = Masked(region=region, share=share).sized(32)(batch, _draw(batch))
    cells = made["mask"].view(-1, 8, 8)
    assert not made["mask"].gather(1, made["keep"]).any()
    assert made["keep"].shape == (30, max(1, 64 - square**2))
    if square == 8:  # one patch is always seen
        return
    rows, columns = cells.any(2), cells.any(1)
    assert (rows.sum(1) == square).all()
    assert torch.equal(cells, rows[:, :, None] & columns[:, None, :])
    first = torch.stack([rows.int().argmax(1), columns.int().argmax(1)], 1)
    places = set(map(tuple, first.tolist()))
    if region == "center":
        assert places == {((8 - square) // 2,) * 2}
    else:
        assert len(places) > min(8, (9 - square) ** 2 - 1)


def test_a_patch_must_divide_the_size() -> None:
    assert Masked().sized(224).patch == 16
    with pytest.raises(UsageError, match="patch = 5"):
        Masked(patch=5).sized(32)


def test_noise_has_the_standard_deviation_asked_for() -> None:
    batch = Batch.of(torch.full((8, 3, 32, 32), 128, dtype=torch.uint8))
    made = Noisy(noise=0.05).sized(32)(batch, _draw(batch))
    difference = made["noisy"] - made["view"]
    assert abs(float(difference.std()) - 0.05) < 0.002
    assert abs(float(difference.mean())) < 0.002


def test_lab_is_split_from_the_same_view() -> None:
    batch = _batch()
    made = views.recipe("lab", size=32)(batch, _draw(batch))
    assert made["lightness"].shape == (5, 1, 32, 32)
    assert made["color"].shape == (5, 2, 32, 32)
    gray = Batch.of(batch.images[:, :1].expand(5, 3, 48, 48).contiguous())
    assert views.recipe("lab", size=32)(gray, _draw(batch))["color"].abs().max() < 1e-3
