"""Any number of classes an image: scored as scikit-learn does, learned through finetune()."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score
from tests.evaluation.doubles import Pictures, Small
from torch import Tensor

from presight.data.canvas import images_of
from presight.data.labels.open import open_task
from presight.data.targets import MultiClassTarget
from presight.errors import DataError
from presight.evaluation.finetune import StepBudget, finetune, judged
from presight.evaluation.tasks.multilabel import Multilabel
from presight.training.runtime import Runtime


@dataclasses.dataclass
class Named:
    """A labelled source of classes only."""

    classes: tuple[str, ...]
    rows: list[list[bool]]
    task: str = "multilabel"

    def __len__(self) -> int:
        return len(self.rows)

    def target(self, i: int) -> MultiClassTarget:
        return MultiClassTarget(np.array(self.rows[i]))


def of(classes: tuple[str, ...], rows: list[list[bool]], answered: Any = None) -> Multilabel:
    source: Any = Named(classes, rows)
    return Multilabel.of(source, Pictures(torch.zeros(len(rows), 3, 8, 8)), names=answered)


def tinted(n: int, seed: int, size: int = 24) -> tuple[Pictures, Tensor]:
    """Noise whose red, green and blue are each raised or not: three classes, independently."""
    generator = torch.Generator().manual_seed(seed)
    present = torch.rand(n, 3, generator=generator) < 0.5
    present[:2] = torch.tensor([[True] * 3, [False] * 3])
    noise = torch.randint(0, 120, (n, 3, size, size), generator=generator)
    noise += 100 * present[:, :, None, None]
    return Pictures(noise.to(torch.uint8)), present


def learned(task: Multilabel, images: Pictures, rows: Tensor, updates: int = 60) -> Any:
    budget = StepBudget(least=updates, most=updates, batch_size=8, rates=(0.03,))
    torch.manual_seed(0)
    return finetune(task, Small(), images, rows, size=24, frozen=False,
                    budget=budget, runtime=Runtime(device="cpu")).model  # fmt: skip


def scored(task: Multilabel, model: Any, images: Pictures, rows: Tensor) -> float:
    found = judged(task, model, images, rows, size=24)
    return float(task.score(found, rows)["mAP"].mean())


def test_the_headline_is_scikit_learns_mean_without_absent_classes() -> None:
    random = np.random.default_rng(0)
    present = torch.from_numpy(random.random((30, 4)) < 0.4)
    present[:, 2] = False
    logits = torch.from_numpy(random.standard_normal((30, 4)))
    rows = torch.arange(5, 30)
    score = Multilabel(present).score(logits[5:], rows)
    expected = [average_precision_score(present[5:, c], logits[5:, c]) for c in (0, 1, 3)]
    assert next(iter(score)) == Multilabel.metrics[0].name == "mAP"
    assert score["mAP"].shape == (25,)
    assert score["mAP"].mean() == pytest.approx(np.mean(expected))
    assert set(score) == {metric.name for metric in Multilabel.metrics}


def test_classes_are_matched_by_name() -> None:
    train = of(("cat", "dog", "hen"), [[True, False, True], [False, True, False]])
    test = of(("hen", "cat"), [[True, False], [False, True]], train.names)
    assert test.labels.tolist() == [[False, False, True], [True, False, False]]
    assert test.classes == 3


def test_a_shown_class_that_was_not_learned_is_refused_and_an_idle_one_is_not() -> None:
    with pytest.raises(DataError, match="emu, which the labels to learn from do not have"):
        of(("cat", "emu"), [[True, False], [False, True]], ("cat", "dog"))
    idle = of(("cat", "emu"), [[True, False], [False, False]], ("cat", "dog"))
    assert idle.labels.tolist() == [[True, False], [False, False]]


def test_strata_are_the_rarest_class_of_each_image() -> None:
    present = torch.tensor([[1, 0, 0], [1, 1, 0], [1, 1, 1], [0, 0, 0], [1, 0, 0], [0, 1, 0]])
    assert Multilabel(present.bool()).strata.tolist() == [0, 1, 2, 3, 0, 1]
    every = torch.ones(3, 1, dtype=torch.bool)  # a class that all images show
    assert Multilabel(every).strata.tolist() == [0, 0, 0]


def test_no_class_in_the_whole_test_set_is_said() -> None:
    task = Multilabel(torch.zeros(3, 2, dtype=torch.bool))
    with pytest.raises(DataError, match="nothing to find"):
        task.score(torch.randn(3, 2), torch.arange(3))


def test_the_loss_at_the_beginning_is_a_coins() -> None:
    _, present = tinted(4, 0)
    task = Multilabel(present)
    torch.manual_seed(0)
    views = {"view": torch.rand(4, 3, 32, 32), "label": present}
    loss = task.losses(task.model(Small()), views)["cross-entropy"]
    assert float(loss.detach()) == pytest.approx(np.log(2))


def test_blind_is_the_share_of_each_class() -> None:
    present = torch.zeros(20, 2, dtype=torch.bool)
    present[:5, 0] = present[::2, 1] = True
    task, rows = Multilabel(present), torch.arange(20)
    blind = task.blind(rows[:10], task, rows)
    assert torch.as_tensor(blind)[3].tolist() == [0.5, 0.5]
    assert task.score(blind, rows)["mAP"].mean() == pytest.approx((0.25 + 0.5) / 2)


def test_a_few_images_are_learned_by_heart_and_others_of_their_kind_too() -> None:
    images, present = tinted(24, 1)
    task, rows = Multilabel(present), torch.arange(24)
    model = learned(task, images, rows[:12])
    assert scored(task, model, images, rows[:12]) > 0.99
    assert scored(task, model, images, rows[12:]) > 0.95


def test_shuffled_labels_do_not_generalize() -> None:
    images, present = tinted(72, 2)
    order = torch.randperm(24, generator=torch.Generator().manual_seed(0))
    wrong = Multilabel(torch.cat((present[:24][order], present[24:])))
    model = learned(wrong, images, torch.arange(24))
    assert scored(wrong, model, images, torch.arange(24, 72)) < 0.75


def test_scenes_are_learned_from_end_to_end(tmp_path: Path) -> None:
    source = open_task("scenes:24?size=32&objects=3", task="multilabel")
    images = images_of(source, side=32, cache_dir=tmp_path, workers=1)
    task, rows = Multilabel.of(source, images), torch.arange(24)
    assert len(task.names) == task.classes
    blind = float(task.score(task.blind(rows, task, rows), rows)["mAP"].mean())
    budget = StepBudget(least=80, most=80, batch_size=12, rates=(0.03,))
    torch.manual_seed(0)
    model = finetune(task, Small(16), images, rows, size=24, frozen=False,
                     budget=budget, runtime=Runtime(device="cpu")).model  # fmt: skip
    found = judged(task, model, images, rows, size=24)
    reached = float(task.score(found, rows)["mAP"].mean())
    assert reached > blind + 0.1
