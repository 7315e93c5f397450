"""Rotation against its paper: Gidaris et al., ICLR 2018."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from presight.core.backbone import Backbone
from presight.core.batch import Batch, Out, Step, Views
from presight.core.draw import Draw
from presight.core.recipe import Recipe
from presight.methods.pretext.rotation import Rotation
from presight.testing.tiny import tiny_batch, tiny_data, tiny_encoders
from presight.views.single import Rotations

B = 5
LOG_4 = 1.3863
BUG = pytest.mark.xfail(strict=True, raises=AssertionError, reason="the injected bug")


class WithoutUp(Backbone):
    """Mean colors: the same for every turn of an image."""

    def __init__(self, *_: Any, **__: Any) -> None:
        super().__init__()
        self.dim, self.stage_dims, self.source = 3, (3,), "testing:colors"
        self.scale = nn.Parameter(torch.ones(3, 1, 1))

    def stages(self, images: Tensor) -> tuple[Tensor, ...]:
        return (images * self.scale,)


def step() -> Step:
    index = torch.arange(B)
    return Step(0, 10, 0, index, Draw(0, 0, index))


def made(kind: type[Rotation] = Rotation, encoders: Any = None) -> Rotation:
    torch.manual_seed(0)
    return kind(encoders or tiny_encoders(), tiny_data()).double()


def views(recipe: Recipe) -> Views:
    found = recipe(tiny_batch(B), step().draw)
    return {"views": found["views"].double(), "turns": found["turns"]}


def check_labels(recipe: Recipe) -> None:
    """All four turns of every image, and each labeled with its own."""
    found = views(recipe.sized(16))
    upright = found["views"][found["turns"] == 0]
    assert found["turns"].bincount().tolist() == [B] * 4
    for turn in range(4):
        assert torch.equal(found["views"][found["turns"] == turn], upright.rot90(turn, (2, 3)))


def check_no_turn_has_corners(recipe: Recipe) -> None:
    """White pictures of 4:3 stay white in all turns: crop first, then turn a square."""
    wide = Batch.of(torch.full((B, 3, 18, 24), 255, dtype=torch.uint8))
    found = recipe.sized(16)(wide, step().draw)["views"]
    assert found.shape == (4 * B, 3, 16, 16)
    assert found.min() > 1 - 1e-5


def check_upright_stays_upright(recipe: Recipe) -> None:
    """Pictures that are bright on top are so at turn 0, whatever was drawn."""
    bright = torch.zeros(64, 3, 16, 16, dtype=torch.uint8)
    bright[:, :, :8] = 255
    index = torch.arange(64)
    found = recipe.sized(16)(Batch.of(bright), Draw(0, 0, index))
    upright = found["views"][found["turns"] == 0]
    top, bottom = upright[:, :, :3].mean((1, 2, 3)), upright[:, :, -3:].mean((1, 2, 3))
    assert (top > bottom).all()


def check_one_pass(kind: type[Rotation]) -> None:
    """Batch norm sees all four turns together."""
    method = made(kind)
    found = views(method.views)
    scores = method.classifier(method.encoder(found["views"]))
    expected = cross_entropy(scores, found["turns"])
    assert torch.allclose(method(found, step()).loss, expected, rtol=1e-10)


def check_it_begins_at_log_4(kind: type[Rotation]) -> None:
    """A mean over images and turns; exactly log 4 where the head is silent."""
    method = made(kind)
    out = method(views(method.views), step())
    assert out.loss.item() == pytest.approx(LOG_4, abs=0.02)
    nn.init.zeros_(method.classifier.weight)
    assert method(views(method.views), step()).loss.item() == pytest.approx(math.log(4), abs=1e-10)


def check_order_does_not_count(kind: type[Rotation]) -> None:
    method = made(kind)
    nn.init.normal_(method.classifier.weight)
    found = views(method.views)
    order = torch.randperm(4 * B, generator=torch.Generator().manual_seed(0))
    moved = {name: value[order] for name, value in found.items()}
    assert torch.allclose(method(moved, step()).loss, method(found, step()).loss, rtol=1e-10)


RECIPE_CHECKS = (check_labels, check_no_turn_has_corners, check_upright_stays_upright)


@pytest.mark.parametrize("check", RECIPE_CHECKS)
@pytest.mark.parametrize("crop", ["padded", "resized"])
def test_recipe(check: Callable[[Recipe], None], crop: Literal["padded", "resized"]) -> None:
    check(Rotations(crop=crop, scale=(0.5, 1.0)))


@pytest.mark.parametrize(
    "check", [check_one_pass, check_order_does_not_count, check_it_begins_at_log_4]
)
def test_rotation(check: Callable[[type[Rotation]], None]) -> None:
    check(Rotation)


def test_collapsed_value() -> None:
    out = made()(views(made().views), step())
    assert out.collapsed == pytest.approx(LOG_4, abs=5e-5)


def test_without_an_up_it_cannot_beat_log_4() -> None:
    """Features that a turn does not change give a quarter, whatever the head."""
    method = made(encoders=WithoutUp)
    for scale in (0.1, 10.0):
        nn.init.normal_(method.classifier.weight, std=scale)
        out = method(views(method.views), step())
        assert out.loss.item() >= math.log(4) - 1e-6
        assert out.terms["accuracy"].item() == 0.25


def test_with_an_up_a_head_can_tell() -> None:
    """The control of the test above: quadrants tell the turn of a picture that is bright on top."""

    class Quadrants(WithoutUp):
        def __init__(self, *_: Any, **__: Any) -> None:
            super().__init__()
            self.dim = 12

        def forward(self, images: Tensor) -> Tensor:
            return nn.functional.adaptive_avg_pool2d(images * self.scale, 2).flatten(1)

    method = made(encoders=Quadrants)
    bright = torch.zeros(B, 3, 16, 16, dtype=torch.uint8)
    bright[:, :, :8] = 255
    found = method.views(Batch.of(bright), step().draw)
    found = {"views": found["views"].double(), "turns": found["turns"]}
    weight = method.classifier.weight
    for _ in range(30):
        (slope,) = torch.autograd.grad(method(found, step()).loss, weight)
        weight.data.sub_(slope)
    assert method(found, step()).terms["accuracy"].item() == 1


def test_presets() -> None:
    """ImageNet: 128 images x 4, drops at 30 and 50 of 70; CIFAR: at 60, 120 and 160 of 200."""
    large, small = Rotation.card.preset(224).plan, Rotation.card.presets["32-port"].plan
    assert (large.epochs, large.batch_size, large.peak_lr(), large.warmup_epochs) == (
        70,
        128,
        0.2,
        5,
    )
    assert [round(large.epochs * m) for m in large.milestones] == [30, 50]
    assert (small.epochs, small.batch_size, small.peak_lr()) == (200, 128, 0.1)
    assert (small.weight_decay, [round(200 * m) for m in small.milestones]) == (
        5e-4,
        [60, 120, 160],
    )


def test_the_head_is_linear_on_pooled_features() -> None:
    method = made()
    assert isinstance(method.classifier, nn.Linear)
    assert method.classifier.in_features == method.backbone.dim
    assert method.classifier.out_features == 4
    assert method.backbone is method.encoder


# Negative controls.


class ImageMajor(Rotations):
    """Labels as if the four turns of an image came one after the other."""

    def __call__(self, batch: Batch, draw: Draw) -> Views:
        found = super().__call__(batch, draw)
        return {**found, "turns": torch.arange(4).repeat(len(batch))}


class Clockwise(Rotations):
    """A quarter turn the other way."""

    def __call__(self, batch: Batch, draw: Draw) -> Views:
        found = super().__call__(batch, draw)
        return {**found, "turns": (-found["turns"]) % 4}


class UpsideDown(Rotations):
    """A vertical flip after the turn."""

    def __call__(self, batch: Batch, draw: Draw) -> Views:
        found = super().__call__(batch, draw)
        flipped = torch.where((found["turns"] > 1)[:, None, None, None], 1, 0)
        return {**found, "views": found["views"].lerp(found["views"].flip(2), flipped.float())}


class EachTurnAlone(Rotation):
    """Four passes: batch norm never compares the turns."""

    def forward(self, views: Views, step: Step) -> Out:
        features = torch.cat([self.encoder(part) for part in views["views"].chunk(4)])
        return Out(cross_entropy(self.classifier(features), views["turns"]))


class IgnoresLabels(Rotation):
    """Takes the order of the batch for granted."""

    def forward(self, views: Views, step: Step) -> Out:
        scores = self.classifier(self.encoder(views["views"]))
        return Out(cross_entropy(scores, torch.arange(4).repeat_interleave(B)))


class OneTurnAnImage(Rotations):
    """Each image in a single turn, drawn for it."""

    def __call__(self, batch: Batch, draw: Draw) -> Views:
        found = super().__call__(batch, draw)
        chosen = draw.integers("turn", (), 4) * B + torch.arange(B)
        return {name: value[chosen.repeat(4)] for name, value in found.items()}


class Resampled(Rotations):
    """Turned by a general rotation, whose interpolation betrays the turn."""

    def __call__(self, batch: Batch, draw: Draw) -> Views:
        found = super().__call__(batch, draw)
        odd = found["turns"] % 2 == 1
        soft = nn.functional.avg_pool2d(found["views"], 3, 1, 1, count_include_pad=False)
        return {**found, "views": torch.where(odd[:, None, None, None], soft, found["views"])}


class BeforeTheCrop(Rotations):
    """The whole picture is turned in its frame: black bands at odd turns of a wide one."""

    def __call__(self, batch: Batch, draw: Draw) -> Views:
        height, width = batch.images.shape[2:]
        margin = (width - height) // 2
        views = []
        for turn in range(4):
            canvas = batch.images.rot90(turn, (2, 3)) if turn % 2 == 0 else None
            if canvas is None:
                canvas = torch.zeros_like(batch.images)
                square = batch.images[..., margin : width - margin].rot90(turn, (2, 3))
                canvas[..., margin : width - margin] = square
            turned = Batch.of(canvas, batch.index)
            views.append(super().__call__(turned, draw)["views"].chunk(4)[0])
        return {"views": torch.cat(views), "turns": torch.arange(4).repeat_interleave(len(batch))}


class FlippedUpsideDown(Rotations):
    """A vertical flip at random before the turn: 0 and 180 degrees mean the same."""

    def __call__(self, batch: Batch, draw: Draw) -> Views:
        down = draw.uniform("vertical flip") < 0.5
        images = torch.where(down[:, None, None, None], batch.images.flip(2), batch.images)
        return super().__call__(Batch.of(images, batch.index), draw)


class SumOverTurns(Rotation):
    """Each image costs four times as much."""

    def forward(self, views: Views, step: Step) -> Out:
        out = super().forward(views, step)
        return Out(4 * out.loss)


class WideHead(Rotation):
    """Initial scores far from 0."""

    def __init__(self, *parts: Any, **options: Any) -> None:
        super().__init__(*parts, **options)
        nn.init.normal_(self.classifier.weight)
        nn.init.normal_(self.classifier.bias)


@BUG
@pytest.mark.parametrize(
    ("mistake", "check"),
    [
        (ImageMajor, check_labels),
        (Clockwise, check_labels),
        (UpsideDown, check_labels),
        (OneTurnAnImage, check_labels),
        (Resampled, check_labels),
        (BeforeTheCrop, check_no_turn_has_corners),
        (FlippedUpsideDown, check_upright_stays_upright),
        (ImageMajor, check_upright_stays_upright),
    ],
)
def test_wrong_recipes_are_caught(
    mistake: type[Rotations], check: Callable[[Recipe], None]
) -> None:
    check(mistake(crop="resized", scale=(0.5, 1.0)))


@BUG
@pytest.mark.parametrize(
    ("mistake", "check"),
    [
        (EachTurnAlone, check_one_pass),
        (IgnoresLabels, check_order_does_not_count),
        (SumOverTurns, check_it_begins_at_log_4),
        (WideHead, check_it_begins_at_log_4),
    ],
)
def test_mistakes_are_caught(
    mistake: type[Rotation], check: Callable[[type[Rotation]], None]
) -> None:
    check(mistake)
