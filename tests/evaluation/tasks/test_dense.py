from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from evaluation.tasks.painted import Blocked, Fine, Painted
from presight.core.draw import Draw
from presight.errors import DataError, Diverged, UsageError
from presight.evaluation.tasks import dense
from presight.evaluation.tasks.dense import Labels, OnMap, Planes, dense_head, enlarged, share
from presight.evaluation.tasks.segmentation import Segmentation


def planes(source: Painted) -> Planes:
    return Planes(source, lambda row: source.target(row).mask)


def test_planes_are_read_once_and_alone() -> None:
    source = Painted(6)
    held = planes(source)
    for _ in range(2):
        shown = list(held.of(torch.tensor([4, 1])))
    assert source.reads == [4, 1]
    assert (shown[0] == source.masks[4]).all()
    assert (len(held), held[5].shape, held.name(5)) == (6, (20, 20), "5.png")


def test_neighbors_that_are_made_together_are_kept_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dense, "_TOGETHER", 4)
    source = Blocked(6)
    held = planes(source)
    assert held[5] is held[5]
    assert (held[1] == source.masks[1]).all()
    assert source.reads == [4, 5, 0, 1, 2, 3]


def test_beyond_the_memory_planes_are_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dense, "_KEPT", 24 * 32 + 1)
    source = Painted(4)
    held = planes(source)
    for row in (0, 1, 2, 0, 2, 2):
        assert (held[row] == source.masks[row]).all()
    assert source.reads == [0, 1, 2, 2, 2]


def test_a_plane_of_another_size_than_its_picture() -> None:
    source = Painted(2)
    source.masks[1] = source.masks[1][:, :-1]
    with pytest.raises(DataError, match=r"labels of 1\.png are 20 x 19 .* picture is 20 x 20"):
        planes(source)[1]


@pytest.mark.parametrize("flip", [0.0, 1.0])
def test_labels_lie_where_the_picture_does(flip: float) -> None:
    source = Painted(6)
    recipe = Labels(planes=planes(source), size=16, scale=(0.4, 1.0), flip=flip)
    batch = source.batch(torch.arange(6))
    views = recipe(batch, Draw(0, 3, batch.index))
    assert views["view"].shape == (6, 3, 16, 16)
    value, color = views["view"].max(1)
    seen = torch.where(value > 0.65, color + 1, 0)
    assert (seen != views["label"]).float().mean() < 0.04


def test_heads_are_small_and_begin_blind() -> None:
    maps = torch.randn(2, 6, 5, 4)
    linear, fcn = dense_head(6, 3, "linear"), dense_head(6, 3, "fcn")
    assert [tuple(weight.shape) for weight in linear.parameters()] == [(3, 6, 1, 1), (3,)]
    convolutions = [layer for layer in fcn if isinstance(layer, nn.Conv2d)]
    shapes = [tuple(layer.weight.shape) for layer in convolutions]
    assert shapes == [(256, 6, 3, 3), (256, 256, 3, 3), (3, 256, 1, 1)]
    kinds = [type(layer).__name__ for layer in fcn]
    assert kinds == ["Conv2d", "BatchNorm2d", "ReLU"] * 2 + ["Conv2d"]
    for head in (linear, fcn):
        assert head(maps).shape == (2, 3, 5, 4)
        assert not head(maps).any()
    with pytest.raises(UsageError, match="no head 'mlp' for dense tasks; known are linear, fcn"):
        dense_head(6, 3, "mlp")  # type: ignore[arg-type]


def test_the_head_sits_on_the_last_map() -> None:
    class Two(Fine):
        def stages(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
            last = super().stages(images)[0]
            return images, last[:, :, ::4, ::4]

    model = OnMap(Two(), dense_head(6, 3, "linear"), 3)
    pictures = torch.rand(2, 3, 8, 8)
    assert model(pictures).shape == (2, 3, 2, 2)
    model.begin(torch.tensor([1.0, 2.0, 3.0]))
    assert model(pictures).mean((0, 2, 3)).tolist() == [1, 2, 3]
    assert "start" in model.state_dict()


def test_the_first_labels_tell_where_to_begin_and_no_later_ones() -> None:
    task = Segmentation.of(Painted(4), Painted(4))
    model = task.model(Fine())
    views = {"view": torch.rand(1, 3, 2, 2), "label": torch.full((1, 2, 2), 255)}
    for label, start in ((255, [0.0] * 4), (2, [1e-3, 1e-3, 1, 1e-3]), (3, [1e-3, 1e-3, 1, 1e-3])):
        views["label"][0, 0] = label
        task.losses(model, views)
        expected = torch.tensor(start).log() if label < 255 else torch.zeros(4)
        assert model.start.tolist() == pytest.approx(expected.tolist())


def test_enlarging_is_bilinear_between_pixel_centers() -> None:
    maps = torch.tensor([[[[0.0, 4.0]]]], dtype=torch.float16)
    assert enlarged(maps, (1, 4)).tolist() == [[[[0, 1, 3, 4]]]]


def test_learning_mirrors_and_crops_and_tests_see_the_whole_picture() -> None:
    task = Segmentation.of(Painted(4), Painted(4))
    apart = task.views(16, augment=True)
    assert (apart.flip, apart.scale) == (0.5, (0.25, 1.0))
    whole = task.views(16, augment=False)
    assert (whole.flip, whole.scale, whole.size) == (0.0, (1.0, 1.0), 16)


def test_answers_that_are_not_finite_are_refused() -> None:
    task = Segmentation.of(Painted(4), Painted(4))
    model = task.model(Fine()).eval()
    pictures = torch.rand(3, 3, 8, 8)
    assert task.predict(model, pictures).shape == (3, 4, 8, 8)
    pictures[1] = torch.nan
    with pytest.raises(Diverged, match="1 of 3 images hold NaN or infinity"):
        task.predict(model, pictures)


def test_images_of_another_set() -> None:
    with pytest.raises(DataError, match="4 labels and 5 images"):
        Segmentation.of(Painted(4), Painted(5))


def ratio(parts: Any, wholes: Any, weights: Any) -> float:
    return float((weights * parts).sum() / (weights * wholes).sum())


def test_a_ratio_by_image_is_its_derivative() -> None:
    generator = np.random.default_rng(0)
    wholes = generator.uniform(0, 9, 7)
    wholes[2] = 0
    parts = wholes * generator.uniform(0, 1, 7)
    found = share(torch.tensor(parts), torch.tensor(wholes))
    score = ratio(parts, wholes, np.ones(7))
    assert found.mean() == pytest.approx(score, abs=1e-12)
    for row in range(7):
        moved = np.ones(7)
        moved[row] += 1e-6
        slope = (ratio(parts, wholes, moved) - score) / 1e-6
        assert found[row] == pytest.approx(score + 7 * slope, abs=1e-4)
    assert found[2] == pytest.approx(score, abs=1e-12)
