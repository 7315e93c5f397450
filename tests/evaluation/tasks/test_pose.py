from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch

from evaluation.doubles import Pictures, Small
from evaluation.tasks.making import opened, taught
from presight.data.labels import open_task
from presight.data.scenes.vectors import about
from presight.data.targets import RotationTarget
from presight.errors import DataError
from presight.evaluation.finetune import StepBudget, finetune, judged
from presight.evaluation.tasks.classification import Classification
from presight.evaluation.tasks.pose import LEANS, FivePoses, Pose, median_influence, pose5
from presight.nn.backbones import encoders


def still(count: int) -> torch.Tensor:
    return torch.tensor([[1.0, 0, 0, 0]]).repeat(count, 1)


def turned(*degrees: float) -> torch.Tensor:
    """Turns about x."""
    vector = torch.zeros(3, len(degrees))
    vector[0] = torch.tensor(degrees).deg2rad()
    return about(vector).mT


def test_figures_by_hand() -> None:
    task = Pose(still(5), torch.tensor([0, 0, 0, 2, 1]))
    answers = torch.cat([turned(0.0, 29.9, 30.1), about(torch.tensor([[0, 0, 1.0]]).T).mT] * 1)
    answers = torch.cat([answers, about(torch.tensor([[0, 0, math.pi - 0.1]]).T).mT])
    found = task.score(answers, torch.arange(5))
    assert found["accuracy at 30 degrees"].tolist() == [1, 1, 0, 1, 1]
    assert found["median error"].mean() == pytest.approx(math.degrees(0.1), abs=1e-3)
    assert list(found) == [metric.name for metric in task.metrics]


def test_rows_are_looked_up() -> None:
    task = Pose(turned(0, 90, 180), torch.zeros(3, dtype=torch.int64))
    rows = torch.tensor([2, 0])
    found = task.score(turned(180, 0), rows)
    assert found["accuracy at 30 degrees"].tolist() == [1, 1]


def test_the_spread_of_the_influence_is_the_error_of_a_median() -> None:
    draw = np.random.default_rng(0)
    medians, errors = [], []
    for _ in range(400):
        values = draw.exponential(size=101)
        influence = median_influence(values)
        assert influence.mean() == pytest.approx(np.median(values))
        medians.append(np.median(values))
        errors.append(influence.std() / math.sqrt(101))
    assert np.mean(errors) == pytest.approx(np.std(medians), rel=0.1)


@pytest.mark.parametrize("values", [[3.0], [1.0, 5.0], [2.0, 2.0, 2.0], [0.0, 1.0, 9.0, 9.5]])
def test_medians_of_few_and_of_equal_values(values: list[float]) -> None:
    found = median_influence(np.array(values))
    assert found.mean() == pytest.approx(np.median(values))
    assert np.isfinite(found).all()


@pytest.mark.parametrize("edge", [22.5])
def test_upright_ends_at_its_edge(edge: float) -> None:
    assert pose5(turned(edge - 0.01, edge + 0.01)).tolist() == [0, 4]


@pytest.mark.parametrize(
    ("direction", "lean"),
    [
        (-44.9, 1),
        (44.9, 1),
        (45.1, 2),
        (134.9, 2),
        (135.1, 3),
        (-135.1, 3),
        (-134.9, 4),
        (-45.1, 4),
    ],
)
def test_edges_of_the_leans(direction: float, lean: int) -> None:
    """The top leans into a direction: a turn about the axis a quarter ahead of it."""
    at = math.radians(direction + 90)
    vector = torch.tensor([[math.cos(at)], [math.sin(at)], [0.0]]) * math.radians(50)
    assert pose5(about(vector).mT).tolist() == [lean]
    spun = pose5(torch.cat([about(vector).mT, -about(vector).mT]))
    assert spun.tolist() == [lean, lean]


def test_five_poses_of_a_source_are_a_classification() -> None:
    source: Any = open_task("scenes:128?size=16", task="pose")
    task = FivePoses.of(source, Pictures(torch.zeros(128)))
    assert isinstance(task, Classification)
    assert task.classes == len(LEANS) == 5
    counts = Counter(task.labels.tolist())
    assert set(counts) == set(range(5))
    turns = torch.stack([torch.from_numpy(source.target(i).quaternion) for i in range(128)])
    assert torch.equal(task.labels, pose5(turns))


@pytest.mark.parametrize("kind", [Pose, FivePoses])
def test_nothing_is_mirrored(kind: type[Pose] | type[FivePoses]) -> None:
    source, images = opened("scenes:8?size=32", "pose")
    task = kind.of(source, images)
    assert "flip" not in repr(task.views(32, augment=False))
    assert "flip=0.0" in repr(task.views(32, augment=True))


def test_a_handful_is_learned_by_heart() -> None:
    task, trained, images = taught(Pose, "scenes:8?size=16", "pose", updates=60, rate=1e-2)
    rows = torch.arange(8)
    found = task.score(judged(task, trained.model, images, rows, size=16), rows)
    assert found["accuracy at 30 degrees"].mean() > 0.9
    blind = task.score(task.blind(rows, task, rows), rows)
    assert blind["accuracy at 30 degrees"].mean() < 0.6
    assert found["median error"].mean() < 20 < blind["median error"].mean()


def test_the_blind_answer_is_the_mean_turn() -> None:
    train = Pose(turned(0, 20, 40, 180), torch.zeros(4, dtype=torch.int64))
    test = Pose(turned(21, 90), torch.zeros(2, dtype=torch.int64))
    answer = train.blind(torch.tensor([0, 1, 2]), test, torch.arange(2))
    assert test.score(answer, torch.arange(2))["accuracy at 30 degrees"].tolist() == [1, 0]
    assert torch.allclose(torch.as_tensor(answer), turned(20, 20), atol=1e-6)


def test_a_new_head_answers_no_turn_at_all() -> None:
    source, images = opened("scenes:4?size=32", "pose")
    task = Pose.of(source, images)
    model = task.model(Small())
    assert torch.allclose(task.predict(model, torch.rand(3, 3, 32, 32)), still(3))


def test_turns_of_another_length_are_refused() -> None:
    class Bad:
        def __len__(self) -> int:
            return 2

        def target(self, i: int) -> RotationTarget:
            return RotationTarget(np.array([1, i, 0, 0], np.float32))

        def identity(self, i: int) -> str:
            return f"{i}.png"

    with pytest.raises(DataError, match=r"1.png: its quaternion has the length 1.414, not 1"):
        Pose.of(Bad(), Pictures(torch.zeros(2)))  # type: ignore[arg-type]


def test_shuffled_turns_do_not_generalize() -> None:
    """Against the mean turn: what is learned from labels of other images is no better."""
    source, images = opened("scenes:24?size=16&factors=V", "pose")
    task = Pose.of(source, images)
    task.turns[:16] = task.turns[:16].roll(1, 0)
    torch.manual_seed(0)
    backbone = encoders("resnet9:4", image_size=16)()
    budget = StepBudget(least=40, most=40, batch_size=8, rates=(1e-2,))
    rows, others = torch.arange(16), torch.arange(16, 24)
    model = finetune(task, backbone, images, rows, size=16, frozen=False, budget=budget).model
    found = task.score(judged(task, model, images, others, size=16), others)
    assert found["median error"].mean() > 30


def test_the_blind_answer_to_five_poses_is_the_commonest() -> None:
    train = FivePoses(torch.tensor([3, 1, 1, 0, 3, 3]), 5)
    found = train.blind(torch.arange(3), train, torch.arange(4))
    assert torch.as_tensor(found).tolist() == [1] * 4
    assert torch.as_tensor(train.blind(torch.arange(6), train, torch.arange(2))).tolist() == [3] * 2
