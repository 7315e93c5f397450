"""The whole instrument, end to end: an oracle must save labels, a placebo must not.

The oracle is a network that learned the task itself from other shapes; the placebo one that learned
to tell noise from noise. Whatever methods do, if either comes out wrong the measuring is.
"""

from __future__ import annotations

import dataclasses

import pytest
import torch

from presight.core.backbone import Backbone
from presight.core.batch import Batch
from presight.data.canvas import Images, images_of
from presight.data.labels import open_task
from presight.evaluation.finetune import StepBudget, finetune
from presight.evaluation.tasks.classification import Classification
from presight.evaluation.tasks.sets import TaskSet, divide_task
from presight.nn.backbones import encoders
from presight.studies.answer import answer
from presight.studies.bench import Bench
from presight.studies.cells import Arm, Cell
from presight.training.runtime import Runtime

SIZE, COUNTS, SEEDS = 24, (50, 250, 1500), 3
BACKBONE = "resnet9:6"


def scenes(count: int, split: str, seed: int = 0) -> TaskSet:
    source = open_task(f"scenes:{count}?size={SIZE}&factors=V&split={split}&seed={seed}")
    images = images_of(source, side=SIZE, cache_dir=None)
    return TaskSet.of("classification", source, images, size=SIZE)


def network(seed: int) -> Backbone:
    torch.manual_seed(seed)
    return encoders(BACKBONE, image_size=SIZE)()


def learned(task: Classification, images: Images, seed: int, updates: int) -> Backbone:
    """A backbone that learned a task from all of its images."""
    made = finetune(
        task,
        network(seed),
        images,
        torch.arange(len(images)),
        size=SIZE,
        frozen=False,
        budget=StepBudget(least=updates, most=updates, rates=(3e-3,)),
        seed=seed,
    )
    return made.model.backbone


class Noise:
    """Images of independent pixels, as many as of another set and of their sizes."""

    def __init__(self, like: Images) -> None:
        self.like, self.sizes = like, like.sizes

    def __len__(self) -> int:
        return len(self.like)

    def batch(self, index: torch.Tensor) -> Batch:
        made = self.like.batch(index)
        seed = torch.Generator().manual_seed(int(index[0]))
        noise = torch.randint(256, made.images.shape, generator=seed, dtype=torch.uint8)
        return dataclasses.replace(made, images=noise)


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_an_oracle_saves_labels_and_a_placebo_none() -> None:
    torch.set_num_threads(1)
    division = divide_task(scenes(1500, "train", 1), scenes(800, "test"), 0.2, 0)
    budget = StepBudget(least=250, most=250, rates=(1e-3, 3e-3, 1e-2))
    bench = Bench(division, size=SIZE, budget=budget, runtime=Runtime("cpu", "fp32"), cache=None)
    other = scenes(3000, "validation")
    rows = []
    for seed in range(SEEDS):
        assert isinstance(other.task, Classification)
        drawn = torch.randint(10, (3000,), generator=torch.Generator().manual_seed(seed))
        arms = {
            "none": network(seed),
            "oracle": learned(other.task, other.images, seed, 600),
            "placebo": learned(Classification(drawn, 10), Noise(other.images), seed, 200),
        }
        for method, backbone in arms.items():
            rows += [
                bench.measure(Cell(Arm(method, BACKBONE), "finetune", n, seed), backbone, {})
                for n in COUNTS
            ]
    found = {entry.arm.method: entry for entry in answer(rows, "accuracy").entries}
    told = "\n".join(answer(rows, "accuracy").table())
    assert found["oracle"].utility[0].low > 0, told
    assert all(one.low <= 0 for one in found["placebo"].utility), told
