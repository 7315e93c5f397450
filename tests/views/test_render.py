"""Laws that hold for every recipe: the executors agree, and no view depends on its batch."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as tv

from presight import views
from presight.core.batch import Batch, Views
from presight.core.draw import Draw
from presight.core.recipe import Recipe
from presight.views.pairs import Pair
from presight.views.params import ViewParams
from presight.views.single import Crop

from .pictures import BATCH_ERROR, HIGH_ERROR, MEAN_ERROR, assert_close, pictures

COUNT = 6
EVERYTHING = Crop(
    vertical=0.5,
    jitter=0.8,
    gray=0.2,
    blur=0.5,
    solarize=0.3,
    rotation=15.0,
    translation=0.1,
    zoom=(0.8, 1.2),
    cutout=0.3,
)
RECIPES = [*(views.recipe(name, size=32) for name in views.names()), EVERYTHING.sized(32)]


def _batch(count: int = COUNT, height: int = 48, width: int = 60) -> Batch:
    batch = Batch.of(pictures(count, height, width), 5 * torch.arange(count))
    frame = batch.frame.clone()
    frame[1] = torch.tensor([4.0, 2.0, 50.0, 47.0])
    return Batch(batch.images, batch.index, frame)


def _make(recipe: Recipe, batch: Batch, executor: str, seed: int = 0) -> Views:
    chosen = dataclasses.replace(recipe, executor=executor)  # type: ignore[arg-type]
    return chosen(batch, Draw(seed, 0, batch.index))


def _rows(batch: Batch, rows: list[int]) -> Batch:
    return Batch(batch.images[rows], batch.index[rows], batch.frame[rows])


def _unit(recipe: Recipe, views: Views) -> Views:
    """The views that are pictures in [0, 1]: all numbers but those of Lab."""
    floats = {key: view for key, view in views.items() if view.is_floating_point()}
    if recipe.name == "lab":
        return {}
    assert all(0 <= view.min() <= view.max() <= 1 for view in floats.values())
    return floats


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_the_executors_agree(recipe: Recipe) -> None:
    batch = _batch()
    one, other = _make(recipe, batch, "per-image"), _make(recipe, batch, "batched")
    assert one.keys() == other.keys() == set(recipe.keys)
    for key, view in one.items():
        assert view.shape == other[key].shape
        if key in _unit(recipe, one):
            assert_close(view, other[key])
        elif view.is_floating_point():  # Lab: its range is 100 for lightness, 200 for a color
            assert_close(view / 100, other[key] / 100)
        else:
            assert torch.equal(view, other[key])


@pytest.mark.parametrize("augment", [0, 2])
@pytest.mark.parametrize("name", ["byol", "swav", "dino"])
@pytest.mark.parametrize(("size", "count"), [(32, 24), (96, 6), (224, 2)])
def test_the_executors_agree_at_every_size(size: int, count: int, name: str, augment: int) -> None:
    """A mean under half a level, no view over one; strong colors amplify rounding most."""
    batch = _batch(count, 3 * size // 2, 7 * size // 4)
    recipe = dataclasses.replace(views.recipe(name, size=size), rand_augment=augment)
    one, other = _make(recipe, batch, "per-image"), _make(recipe, batch, "batched")
    assert one.keys() == other.keys()
    for key, view in one.items():
        errors = 255 * (view - other[key]).abs().flatten(1)
        error, high = errors.mean(1), torch.quantile(errors, 0.99, dim=1)
        if augment:  # equalize jumps where one pixel more has the highest value
            assert error.median() <= 0.6
            assert torch.quantile(error, 0.8) <= MEAN_ERROR
            assert torch.quantile(high, 0.8) <= HIGH_ERROR
        else:
            assert high.max() <= HIGH_ERROR
            assert error.mean() <= 0.5
            assert error.max() <= MEAN_ERROR


@pytest.mark.parametrize("executor", ["per-image", "batched"])
@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_a_view_does_not_depend_on_its_batch(recipe: Recipe, executor: str) -> None:
    batch, rows = _batch(), [4, 1, 2]
    whole, part = _make(recipe, batch, executor), _make(recipe, _rows(batch, rows), executor)
    for key, view in whole.items():
        expected = view.unflatten(0, (-1, COUNT))[:, rows].flatten(0, 1)
        if executor == "per-image" and key in _unit(recipe, whole):
            assert torch.equal(part[key], expected)
        else:
            # Lab's numbers go to a hundred.
            limit = BATCH_ERROR if key in _unit(recipe, whole) else 100 * BATCH_ERROR
            torch.testing.assert_close(part[key], expected, atol=limit, rtol=0)


@pytest.mark.parametrize("executor", ["per-image", "batched"])
@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_a_view_does_not_depend_on_its_canvas(recipe: Recipe, executor: str) -> None:
    """How large a canvas is, and what stands beside the image, is up to the rest of the batch."""
    batch = _batch()
    beside = torch.full((COUNT, 3, 70, 81), 255, dtype=torch.uint8)
    beside[:, :, :48, :60] = batch.images
    x0, y0, x1, y1 = batch.frame[1].int().tolist()
    beside[1] = 255
    beside[1, :, y0:y1, x0:x1] = batch.images[1, :, y0:y1, x0:x1]
    wide = Batch(beside.contiguous(memory_format=torch.channels_last), batch.index, batch.frame)
    one, other = _make(recipe, batch, executor), _make(recipe, wide, executor)
    for key, view in one.items():
        if executor == "per-image":
            assert torch.equal(view, other[key])
        else:
            limit = BATCH_ERROR if key in _unit(recipe, one) else 100 * BATCH_ERROR
            torch.testing.assert_close(view, other[key], atol=limit, rtol=0)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_views_follow_the_seed_only(recipe: Recipe) -> None:
    batch = _batch()
    torch.manual_seed(1)
    first = _make(recipe, batch, "per-image")
    torch.manual_seed(2)
    again, other = _make(recipe, batch, "per-image"), _make(recipe, batch, "per-image", seed=1)
    assert all(torch.equal(first[key], again[key]) for key in first)
    if recipe.name != "center":
        assert any(not torch.equal(first[key], other[key]) for key in first)


def _chain(image: Tensor, params: ViewParams, row: int, size: int) -> Tensor:
    """One view by torchvision's functions."""
    x0, y0, x1, y1 = params.boxes[row].int().tolist()
    image = tv.resized_crop(image, y0, x0, y1 - y0, x1 - x0, [size, size], antialias=True)
    if params.flip is not None and params.flip[row]:
        image = tv.horizontal_flip(image)
    if params.early_gray is not None and params.early_gray[row]:
        image = tv.rgb_to_grayscale(image, 3)
    if params.jitter is not None:
        jitter = params.jitter
        steps = (tv.adjust_brightness, tv.adjust_contrast, tv.adjust_saturation, tv.adjust_hue)
        values = (jitter.brightness, jitter.contrast, jitter.saturation, jitter.hue)
        for step in jitter.order[row].tolist():
            image = steps[step](image, float(values[step][row]))
    if params.gray is not None and params.gray[row]:
        image = tv.rgb_to_grayscale(image, 3)
    sigma = 0.0 if params.sigma is None else float(params.sigma[row])
    if sigma:
        side = 2 * math.ceil(3 * sigma) + 1
        image = tv.gaussian_blur(image, [side, side], [sigma, sigma])
    if params.solarize is not None and params.solarize[row]:
        image = tv.solarize(image, 0.5)
    return image


@pytest.mark.parametrize("size", [32, 96, 224])
@pytest.mark.parametrize("executor", ["per-image", "batched"])
@pytest.mark.parametrize("name", ["simclr", "moco-v1", "moco-v2", "byol"])
def test_pairs_are_torchvisions_chain_at_the_same_parameters(
    name: str, size: int, executor: str
) -> None:
    batch = _batch(4, size + 24, size + 40)
    recipe = views.recipe(name, size=size)
    assert isinstance(recipe, Pair)
    made = _make(recipe, batch, executor)["views"].unflatten(0, (2, 4))
    for number, drawn in enumerate(recipe.drawn(batch, Draw(0, 0, batch.index))):
        for row in range(4):
            expected = _chain(batch.images[row].float() / 255.0, drawn, row, size)
            assert_close(made[number, row][None], expected[None])


def test_auto_takes_per_image_on_the_cpu() -> None:
    batch, recipe = _batch(), views.recipe("simclr", size=32)
    auto = _make(recipe, batch, "auto")["views"]
    assert torch.equal(auto, _make(recipe, batch, "per-image")["views"])
    assert not torch.equal(auto, _make(recipe, batch, "batched")["views"])


def test_strong_shrinking_is_antialiased() -> None:
    batch = Batch.of((torch.rand(2, 3, 200, 200) * 255).to(torch.uint8))
    recipe = views.recipe("center", size=32)
    made = _make(recipe, batch, "per-image")["view"]
    reference = tv.resize(batch.images.float() / 255.0, [32, 32], antialias=True)
    assert_close(made, reference)
    rough = tv.resize(batch.images.float() / 255.0, [32, 32], antialias=False)
    assert 255 * (rough - reference).abs().mean() > HIGH_ERROR


def test_more_channels_move_together_and_keep_their_values() -> None:
    color = pictures(3, 40, 40)
    batch = Batch.of(torch.cat([color, color, color[:, :1]], 1))
    for executor in ("per-image", "batched"):
        moved = _make(EVERYTHING.sized(32), batch, executor)["view"]
        assert moved.shape == (3, 7, 32, 32)
        plain = dataclasses.replace(EVERYTHING, jitter=0.0, gray=0.0, blur=0.0, solarize=0.0)
        still = _make(plain.sized(32), batch, executor)["view"]
        torch.testing.assert_close(moved[:, 3:], still[:, 3:], atol=BATCH_ERROR, rtol=0)
        assert not torch.equal(moved[:, :3], still[:, :3])


def test_views_are_channels_last_in_memory() -> None:
    made = _make(views.recipe("simclr", size=32), _batch(), "per-image")["views"]
    assert made.is_contiguous(memory_format=torch.channels_last)
    assert made.dtype == torch.float32
