"""What the trainer adds to a bare loop: CPU milliseconds a step, paired and interleaved.

Both loops do the same forward, backward and SGD step of the same network on the same batch; the
trainer also logs, schedules, watches the health and guards against losses that are not finite.
"""

from __future__ import annotations

import json
import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch

from presight.core.batch import Batch, DataSpec, Out, Step, Views
from presight.core.draw import Draw
from presight.core.learner import Learner
from presight.core.plan import TrainPlan
from presight.core.recipe import Recipe
from presight.losses.contrastive import nt_xent
from presight.nn import backbones
from presight.nn.heads import mlp
from presight.training.loop import advance, keep
from presight.training.monitor import Monitor
from presight.training.recorder import Recorder
from presight.training.runtime import Runtime
from presight.training.session import Session
from presight.training.signals import Signals

PAIRS, BATCH, SIDE = 200, 8, 16
GOAL = 1.5


class Two(Recipe):
    """Two equal views, at no cost: what is measured is the loop."""

    name = "two"
    keys = {"views": "[2B,3,h,w]"}

    def __call__(self, batch: Batch, draw: Draw) -> Views:
        images = batch.images.float() / 255
        return {"views": torch.cat([images, images])}


class Net(Learner):
    """A resnet9 of width 4 with a projector."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = backbones.encoders("resnet9:4", image_size=SIDE)()
        self.projector = mlp(self.encoder.dim, 32, 32)

    def forward(self, views: Views, step: Step) -> Out:
        first, second = self.projector(self.encoder(views["views"])).chunk(2)
        return Out(nt_xent(first, second, temperature=0.5), embedding=first, collapsed=2.7)


def measured(
    make: Callable[[], Learner], recipe: Recipe, batch: Batch, pairs: int = PAIRS
) -> dict[str, float]:
    """CPU milliseconds of a bare step of a learner, and what the trainer adds to it."""
    torch.manual_seed(0)
    plan = TrainPlan(batch_size=len(batch), precision="fp32", lr=0.01, weight_decay=0.0)
    spec = DataSpec(1 << 20, batch.images.shape[-1], len(batch), 1 << 17, 1.0)
    session = Session.open(make(), plan, Runtime("cpu", "fp32"))
    recorder = Recorder(session, 1 << 17, Monitor(), [], len(batch), spec.updates_per_epoch)
    session.guard.snapshot()
    waiting = recorder.waiting(iter(lambda: batch, None))

    bare = make()
    optimizer = torch.optim.SGD(bare.parameters(), lr=0.01, momentum=0.9)

    def bare_step() -> None:
        draw = Draw(0, 0, batch.index)
        step = Step(0, 1, 0, batch.index, draw)
        optimizer.zero_grad()
        bare(recipe(batch, draw), step).loss.backward()
        optimizer.step()

    with Signals() as signals:

        def trainer_step() -> None:
            advance(session, recipe, next(waiting), 1 << 17, spec.updates_per_epoch, recorder)
            keep(session, None, signals)

        for _ in range(20):
            bare_step()
            trainer_step()
        times: dict[str, list[float]] = {"bare": [], "trainer": []}
        for _ in range(pairs):
            pair = [("bare", bare_step), ("trainer", trainer_step)]
            random.shuffle(pair)
            for name, step in pair:
                start = time.process_time()
                step()
                times[name].append((time.process_time() - start) * 1e3)
    added = [t - b for t, b in zip(times["trainer"], times["bare"], strict=True)]
    return {
        "bare_ms": statistics.median(times["bare"]),
        "added_ms_median": statistics.median(added),
        "added_ms_mean": statistics.fmean(added),
        "pairs": pairs,
    }


def pretraining(pairs: int = PAIRS) -> dict[str, float]:
    """Of a contrastive step of a small network."""
    images = torch.randint(0, 256, (BATCH, 3, SIDE, SIDE), dtype=torch.uint8)
    return measured(Net, Two(), Batch.of(images), pairs)


def main() -> None:
    torch.set_num_threads(1)
    row = {"command": "python benchmarks/overhead.py", **pretraining()}
    print(
        f"bare step {row['bare_ms']:.2f} ms; the trainer adds {row['added_ms_median']:.2f} ms at "
        f"the median of {PAIRS} pairs, {row['added_ms_mean']:.2f} ms in the mean (goal {GOAL})"
    )
    (Path(__file__).parent / "results" / "overhead.json").write_text(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
