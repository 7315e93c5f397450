from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from data.labels.test_real_labels import unpacked
from evaluation.doubles import Pictures, Small
from evaluation.tasks.making import opened
from presight.core.batch import Batch
from presight.core.draw import Draw
from presight.data.labels import open_task
from presight.data.targets import KeypointsTarget
from presight.errors import DataError
from presight.evaluation.finetune import StepBudget, finetune, judged
from presight.evaluation.tasks.keypoints import Keypoints, sizes
from presight.evaluation.tasks.task import Headed

FACES = ("training", "test")
PAIR = ("left_eye", "right_eye", "nose")


def task(
    points: list[list[tuple[float, float]]],
    visible: list[list[int]] | None = None,
    area: float = 100.0,
    names: tuple[str, ...] = PAIR,
    picture: tuple[int, int] = (50, 100),
) -> Keypoints:
    held = np.array(points, np.float32)
    known = np.ones(held.shape[:2], bool) if visible is None else np.array(visible, bool)
    count = len(held)
    return Keypoints(
        held, known, np.full(count, area, np.float32), names, np.array([picture] * count)
    )


def answers(points: list[list[tuple[float, float]]]) -> torch.Tensor:
    found = torch.tensor(points)
    return torch.cat([found, torch.ones(*found.shape[:2], 1)], 2)


def test_figures_by_hand() -> None:
    """A box 40 wide and 30 high: 4 pixels are a tenth; the hidden point counts nowhere."""
    truth = [[(10.0, 10.0), (50.0, 40.0), (0.0, 0.0)]]
    made = task(truth, [[1, 1, 0]], area=900.0)
    found = made.score(answers([[(13.9, 10.0), (50.0, 44.2), (77.0, 7.0)]]), torch.tensor([0]))
    assert found["PCK@0.1"].tolist() == [0.5]
    assert found["mean error"] == pytest.approx([(3.9 + 4.2) / 2], abs=1e-5)
    # sigma 0.05 of sqrt(area) 30: exponents (3.9 / 3)^2 / 2 and (4.2 / 3)^2 / 2, a mean of 0.4026
    assert found["OKS AP"].tolist() == [0.0]
    assert list(found) == [metric.name for metric in made.metrics]


def test_an_objects_size() -> None:
    points = np.array([[[0, 0], [30, 10], [99, 99]], [[5, 5], [6, 6], [0, 0]]], float)
    visible = np.array([[1, 1, 0], [1, 0, 0]], bool)
    assert sizes(points, visible, np.array([100.0, 400.0])).tolist() == [30, 20]


def test_answers_are_told_in_pixels_of_the_picture() -> None:
    made = task([[(1, 1), (2, 2), (3, 3)]] * 2)
    shares = torch.tensor([[[0.5, 0.5, 0.3]] * 3])
    assert made.judge(shares, torch.tensor([1]))[0, 0].tolist() == pytest.approx([50, 25, 0.3])
    with pytest.raises(DataError, match="the model finds 2 keypoints, the labels name 3"):
        made.judge(shares[:, :2], torch.tensor([1]))


def marked(count: int, names: tuple[str, ...]) -> tuple[Keypoints, torch.Tensor]:
    """Pictures 48 x 64 with a red, a green and a blue square, and the squares' centers."""
    generator = torch.Generator().manual_seed(0)
    pixels = torch.zeros(count, 3, 48, 64, dtype=torch.uint8)
    points = torch.stack(
        [torch.randint(8, 56, (count, 3), generator=generator),
         torch.randint(8, 40, (count, 3), generator=generator)], 2
    )  # fmt: skip
    for row in range(count):
        for color in range(3):
            x, y = points[row, color].tolist()
            pixels[row, color, y - 3 : y + 3, x - 3 : x + 3] = 255
    held = task(points.tolist(), area=900.0, names=names, picture=(48, 64))
    return held, pixels


@pytest.mark.parametrize("names", [PAIR, ("a", "b", "c")])
def test_points_lie_where_the_picture_shows_them(names: tuple[str, ...]) -> None:
    """Where a view is mirrored, the red left eye is the right one."""
    made, pixels = marked(24, names)
    recipe: Any = made.views(64, augment=True)
    assert recipe.base.flip == (0.5 if names == PAIR else 0.0)
    recipe = dataclasses.replace(recipe, base=dataclasses.replace(recipe.base, jitter=0.0))
    batch = Batch.of(pixels)
    views = recipe(batch, Draw(0, 0, batch.index))
    swapped, seen = set(), 0
    for row in range(24):
        for point in range(3):
            if not views["visible"][row, point]:
                continue
            x, y = (views["points"][row, point] * 64).clamp(0, 63).int().tolist()
            lit = [int(c) for c in range(3) if views["view"][row, c, y, x] > 0.4]
            seen += 1
            if point in lit:
                swapped.add((row, False))
            else:
                assert names == PAIR
                assert 1 - point in lit
                swapped.add((row, True))
    flips = {turned for _, turned in swapped}
    assert flips == ({True, False} if names == PAIR else {False})
    assert 36 < seen < 72  # some lie outside of their crop


def test_hidden_points_are_not_learned_from() -> None:
    made = task([[(1, 1), (2, 2), (3, 3)]])
    torch.manual_seed(0)
    model = made.model(Small())
    view = {"view": torch.rand(1, 3, 32, 32), "points": torch.rand(1, 3, 2)}
    visible = torch.tensor([[True, False, True]])
    moved = view["points"].clone()
    moved[0, 1] = 40.0
    model.head.last.weight.data.normal_()
    first = made.losses(model, {**view, "visible": visible})["heat maps"]
    second = made.losses(model, {**view, "points": moved, "visible": visible})["heat maps"]
    none = made.losses(model, {**view, "visible": torch.zeros(1, 3, dtype=torch.bool)})
    assert float(first.detach()) == float(second.detach()) > 0
    assert float(none["heat maps"].detach()) == 0


def test_of_several_objects_the_largest_is_used_and_told() -> None:
    source, images = opened("scenes:6?size=32&objects=3", "keypoints")
    made = Keypoints.of(source, images)
    target: KeypointsTarget = source.target(0)
    assert len(target.area) > 1
    one = int(target.area.argmax())
    assert (made.points[0] == target.points[one]).all()
    assert made.area[0] == target.area.max()
    assert str(made.problems[0]) == (
        f"{source.identity(0)}: image of several objects with keypoints: only the largest is used"
    )


def test_the_blind_answer_is_the_mean_of_what_is_known() -> None:
    train = task([[(10, 10), (20, 20), (0, 0)], [(30, 20), (0, 0), (0, 0)]], [[1, 1, 0], [1, 0, 0]])
    test = task([[(1, 1), (2, 2), (3, 3)]], picture=(100, 300))
    found = torch.as_tensor(train.blind(torch.arange(2), test, torch.tensor([0])))
    assert found[0, :, :2].flatten().tolist() == pytest.approx([60, 30, 60, 40, 150, 50])


def test_test_labels_of_other_points_are_refused() -> None:
    train, test = task([[(1, 1)] * 3]), task([[(1, 1)] * 3], names=("left_eye", "right_eye", "ear"))
    with pytest.raises(DataError, match="only in test: ear; only in train: nose"):
        train.blind(torch.tensor([0]), test, torch.tensor([0]))
    with pytest.raises(DataError, match="the same in another order"):
        task([[(1, 1)] * 3], names=PAIR[::-1]).check_names(PAIR)


def learned(
    made: Keypoints, pixels: torch.Tensor, rows: torch.Tensor, *, frozen: bool = False
) -> Headed:
    torch.manual_seed(0)
    images, backbone = Pictures(pixels), Small()
    backbone.layers[0].padding = (1, 1)  # else its map is a cut-out of the view
    budget = StepBudget(least=50, most=50, batch_size=12, rates=(1e-2,))
    return finetune(made, backbone, images, rows, size=32, frozen=frozen, budget=budget).model


@pytest.mark.parametrize(("frozen", "least", "most"), [(False, 0.9, 2), (True, 0.6, 7)])
def test_points_are_learned_and_found_in_new_pictures(
    frozen: bool, least: float, most: float
) -> None:
    made, pixels = marked(24, ("a", "b", "c"))
    rows, others = torch.arange(12), torch.arange(12, 24)
    model = learned(made, pixels, rows, frozen=frozen)
    found = made.score(judged(made, model, Pictures(pixels), others, size=32), others)
    blind = made.score(made.blind(rows, made, others), others)
    assert found["PCK@0.1"].mean() > least > 0.1 > blind["PCK@0.1"].mean()
    assert found["OKS AP"].mean() > 0.3 > 0.01 > blind["OKS AP"].mean()
    assert found["mean error"].mean() < most < 8 < blind["mean error"].mean()


def test_shuffled_labels_do_not_generalize() -> None:
    made, pixels = marked(24, ("a", "b", "c"))
    made.points[:12] = np.roll(made.points[:12], 1, axis=0)  # not one label stays right
    model = learned(made, pixels, torch.arange(12))
    others = torch.arange(12, 24)
    found = made.score(judged(made, model, Pictures(pixels), others, size=32), others)
    assert found["PCK@0.1"].mean() < 0.5


def test_faces(tmp_path: Path) -> None:
    """68 points on photographs: the right answer is perfect, the mean face far from it."""
    root = unpacked("faces/faces.tar", tmp_path)
    train, test = (
        Keypoints.of(source, Pictures(torch.zeros(len(source))))
        for source in (open_task(root / f"{name}.csv", task="keypoints") for name in FACES)
    )
    assert test.points.shape == (150, 68, 2)
    assert (test.mirrored, test.sigmas.tolist()) == (None, [0.05] * 68)
    rows = torch.arange(150)
    right = torch.cat([torch.from_numpy(test.points), torch.ones(150, 68, 1)], 2)
    found = {name: part.mean() for name, part in test.score(right, rows).items()}
    assert found == {"PCK@0.1": 1, "OKS AP": 1, "mean error": 0}
    blind = test.score(train.blind(torch.arange(450), test, rows), rows)
    assert blind["PCK@0.1"].mean() == pytest.approx(0.316, abs=0.001)
    assert blind["mean error"].mean() == pytest.approx(9.30, abs=0.01)


def test_an_image_without_points_is_named() -> None:
    source, images = opened("scenes:3?size=16", "keypoints")
    target = source.target(1)
    held = {f.name: getattr(target, f.name) for f in dataclasses.fields(target)}
    none = KeypointsTarget(**{k: v[:0] if k != "names" else v for k, v in held.items()})
    bare = type("Bare", (type(source),), {"target": lambda self, i: none if i == 1 else target})
    source.__class__ = bare
    with pytest.raises(
        DataError, match=f"1 images have no keypoints, the first is {source.identity(1)}"
    ):
        Keypoints.of(source, images)
