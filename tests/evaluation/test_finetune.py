from __future__ import annotations

import copy

import pytest
import torch

from presight.data.canvas import Images
from presight.errors import DataError
from presight.evaluation.features import tensor_digests
from presight.evaluation.finetune import FineTune, StepBudget, finetune, judged
from presight.evaluation.tasks.classification import Classification
from presight.nn.backbones import encoders
from presight.training.runtime import Runtime

from .doubles import colored

SMALL = StepBudget(least=30, most=30, batch_size=16, rates=(1e-3, 3e-3))
HEAD = StepBudget(least=60, most=60, batch_size=16, rates=(1e-1, 3e-1))
"""Features of a network that never learned are small: its head wants large steps."""


def task_of(count: int, seed: int) -> tuple[Classification, Images]:
    made = colored(count, seed)
    return Classification(made.labels, len(made.classes)), made.images


def network() -> torch.nn.Module:
    torch.manual_seed(0)
    return encoders("resnet9:4", image_size=8)()


def accuracy(task: Classification, model: torch.nn.Module, images: Images) -> float:
    rows = torch.arange(len(task.labels))
    found = judged(task, model, images, rows, size=8)  # type: ignore[arg-type]
    return float(task.score(found, rows)["accuracy"].mean())


@pytest.mark.parametrize(("labels", "updates"), [(10, 500), (5000, 1000), (100_000, 2000)])
def test_updates_do_not_shrink_with_labels(labels: int, updates: int) -> None:
    assert StepBudget().updates(labels) == updates


@pytest.mark.parametrize("frozen", [False, True])
def test_it_learns_and_leaves_the_backbone_that_it_was_given(frozen: bool) -> None:
    task, images = task_of(60, 0)
    backbone = network()
    before = tensor_digests(backbone)
    held = torch.arange(60) % 5 == 0
    trained = finetune(
        task, backbone, images, torch.arange(60), size=8, frozen=frozen,
        budget=HEAD if frozen else SMALL, held_out=held, runtime=Runtime("cpu", "fp32"),
    )  # fmt: skip
    assert tensor_digests(backbone) == before
    other, unseen = task_of(30, 1)
    assert accuracy(other, trained.model, unseen) > 0.8
    assert set(trained.trials) == set((HEAD if frozen else SMALL).rates)
    assert trained.trials[trained.rate] == max(trained.trials.values())
    same = tensor_digests(trained.model.backbone) == before
    assert same == frozen


def test_shuffled_labels_do_not_generalize() -> None:
    task, images = task_of(60, 0)
    task = Classification(task.labels[torch.randperm(60)], task.classes)
    trained = finetune(
        task, network(), images, torch.arange(60), size=8, frozen=True, budget=HEAD,
        runtime=Runtime("cpu", "fp32"),
    )  # fmt: skip
    other, unseen = task_of(60, 1)
    assert accuracy(other, trained.model, unseen) < 0.8
    assert trained.trials == {}


def test_only_the_given_rows_are_learned_from() -> None:
    task, _ = task_of(60, 0)
    learner = FineTune(task, network(), torch.tensor([3, 9, 40]), frozen=False)  # type: ignore[arg-type]

    class Pass:
        n_samples = 60

    indices = learner.begin_epoch(Pass()).indices  # type: ignore[arg-type]
    assert indices is not None
    assert len(indices) == 60
    assert set(indices.tolist()) == {3, 9, 40}


def test_a_frozen_backbone_stays_in_evaluation_mode_and_has_no_gradient() -> None:
    task, _ = task_of(60, 0)
    learner = FineTune(task, network(), torch.arange(60), frozen=True)  # type: ignore[arg-type]
    learner.train()
    assert not any(module.training for module in learner.model.backbone.modules())
    assert learner.model.head.training
    assert not any(p.requires_grad for p in learner.model.backbone.parameters())
    assert [player.modules for player in learner.players] == [("model.head",)]


def test_the_same_seed_is_the_same_network() -> None:
    task, images = task_of(40, 0)
    budget = StepBudget(least=5, most=5, batch_size=8, rates=(1e-3,))
    made = [
        finetune(
            task, copy.deepcopy(network()), images, torch.arange(40), size=8, frozen=False,
            budget=budget, seed=seed, runtime=Runtime("cpu", "fp32"),
        )
        for seed in (0, 0, 1)
    ]  # fmt: skip
    digests = [tensor_digests(one.model) for one in made]
    assert digests[0] == digests[1]
    assert digests[0] != digests[2]


def test_nothing_to_learn_from_is_said() -> None:
    task, images = task_of(10, 0)
    with pytest.raises(DataError, match="no labelled images"):
        finetune(task, network(), images, torch.arange(0), size=8, frozen=True, budget=SMALL)  # type: ignore[arg-type]
