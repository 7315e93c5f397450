"""What a study costs beside its cells, and the parts that cells are made of.

python benchmarks/studies.py [grid] [step] [extraction] [study]

grid: ten numbers of labels by five repetitions of frozen probes on cached features, CPU seconds.
step: what the loop adds to a bare step, CPU milliseconds, in fine-tuning and in pretraining, in
turns. extraction: images a second of `extract` over those of a bare forward pass, in turns.
study: wall seconds of a study over the sum of its cells and pretrainings, its estimate among them.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from overhead import measured, pretraining
from torch import Tensor

from presight.core.batch import Batch
from presight.evaluation.features import extract
from presight.evaluation.finetune import FineTune, StepBudget
from presight.evaluation.tasks.classification import Classification
from presight.evaluation.tasks.sets import TaskDivision, TaskSet
from presight.nn import backbones
from presight.store.folder import RunFolder
from presight.studies.bench import Bench
from presight.studies.cells import NONE, Arm, Cell
from presight.studies.desk import Desk
from presight.studies.missing import Missing
from presight.studies.plan import Plan, World
from presight.training.runtime import Runtime

RESULTS = Path(__file__).parent / "results" / "studies.json"
TRAIN, TEST, WIDTH, CLASSES, HIDDEN = 10_000, 2_000, 512, 10, 64
COUNTS, SEEDS = (20, 50, 100, 200, 500, 1_000, 2_000, 4_000, 7_000, 10_000), 5
ARM = Arm(NONE, "resnet9:8")


def clusters() -> tuple[Tensor, Tensor]:
    """Features of overlapping classes, rectified, and the classes."""
    generator = torch.Generator().manual_seed(0)
    centers = 0.32 * torch.randn(CLASSES, HIDDEN, generator=generator)
    weight = torch.randn(HIDDEN, WIDTH, generator=generator) / HIDDEN**0.5
    labels = torch.randint(CLASSES, (TRAIN + TEST,), generator=generator)
    hidden = centers[labels] + torch.randn(len(labels), HIDDEN, generator=generator)
    noise = 0.3 * torch.randn(len(labels), WIDTH, generator=generator)
    return torch.relu(hidden @ weight + noise), labels


class Pictures:
    """Images of noise, in memory."""

    def __init__(self, number: int, side: int) -> None:
        self.held = torch.randint(0, 256, (number, 3, side, side), dtype=torch.uint8)

    def __len__(self) -> int:
        return len(self.held)

    def batch(self, index: Tensor) -> Batch:
        return Batch.of(self.held[index], index)


def grid() -> dict[str, Any]:
    features, labels = clusters()
    found: dict[str, Any] = {"cells": len(COUNTS) * SEEDS}
    for threads in (1, 2):
        torch.set_num_threads(threads)
        task = Classification(labels, CLASSES)
        names = tuple(map(str, range(len(labels))))
        both = TaskSet(task, Pictures(1, 8), task.strata, "", names)  # type: ignore[arg-type]
        rows = torch.arange(len(labels))
        bench = Bench(
            TaskDivision(both, both, rows[:TRAIN], rows[TRAIN:], "given"), size=8,
            budget=StepBudget(), runtime=Runtime("cpu", "fp32"), cache=None,
        )  # fmt: skip
        bench.features = lambda backbone: (features, features)  # type: ignore[assignment]
        backbone = backbones.encoders(ARM.backbone, image_size=8)()
        wall, cpu = time.perf_counter(), time.process_time()
        values = [
            bench.measure(Cell(ARM, "frozen", n, seed), backbone, {}).values["accuracy"]
            for seed in range(SEEDS)
            for n in COUNTS
        ]
        found[f"{threads} threads"] = {
            "cpu_seconds": time.process_time() - cpu,
            "wall_seconds": time.perf_counter() - wall,
            "accuracy": values[len(COUNTS) - 1],
        }
        print("grid", threads, found[f"{threads} threads"], flush=True)
    return found


def step() -> dict[str, Any]:
    torch.set_num_threads(1)
    images = torch.randint(0, 256, (8, 3, 16, 16), dtype=torch.uint8)
    task = Classification(torch.arange(8) % 4, 4)

    def learner() -> FineTune:
        backbone = backbones.encoders("resnet9:4", image_size=16)()
        return FineTune(task, backbone, torch.arange(8), frozen=False)

    rounds: dict[str, list[dict[str, float]]] = {"finetune": [], "pretraining": []}
    for _ in range(3):
        recipe = task.views(16, augment=True)
        rounds["finetune"].append(measured(learner, recipe, Batch.of(images), 100))
        rounds["pretraining"].append(pretraining(100))
    return {
        name: {key: statistics.median(one[key] for one in some) for key in some[0]}
        for name, some in rounds.items()
    }


def extraction() -> dict[str, Any]:
    torch.set_num_threads(1)
    images, side = Pictures(512, 40), 32
    backbone = backbones.encoders("resnet18", image_size=side)().eval()
    views = torch.rand(len(images), 3, side, side)

    def bare() -> None:
        with torch.inference_mode():
            for start in range(0, len(views), 256):
                backbone(views[start : start + 256])

    def ours() -> None:
        extract(backbone, images, size=side)  # type: ignore[arg-type]

    ours()
    ratios = []
    for number in range(8):
        times = {}
        for call in (bare, ours) if number % 2 else (ours, bare):
            began = time.process_time()
            call()
            times[call] = time.process_time() - began
        ratios.append(times[bare] / times[ours])
    return {"of_bare": statistics.median(ratios), "least": min(ratios), "greatest": max(ratios)}


def study() -> dict[str, Any]:
    torch.set_num_threads(1)
    scenes = "scenes:300?size=32"
    plan = Plan(
        worlds=(World("", scenes, scenes),), methods=("rotation", NONE), epochs=12,
        backbones=("resnet9:8",), label_counts="60,240", seeds=1, updates=120, device="cpu",
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as place:
        out = Path(place)
        (out / "cells").mkdir()
        warm = Desk(plan, out, quiet=True)  # scenes are rendered once a machine
        warm.cells()
        warm.close()
        began = time.perf_counter()
        desk = Desk(plan, out, quiet=True)
        work = Missing(desk, print)
        work.do("local")
        took = time.perf_counter() - began
        cells = sum(row.seconds for row in work.found())
        finetuned = sum(row.seconds for row in work.found() if row.cell.mode == "finetune")
        runs = sum(float(RunFolder(run).info()["seconds"]) for run in (out / "runs").iterdir())  # type: ignore[arg-type]
        desk.close()
    assert work.cost is not None
    return {
        "seconds": took,
        "cells": cells,
        "pretraining": runs,
        "over_the_sum": took / (cells + runs) - 1,
        "finetune_estimate": work.cost.finetune,
        "finetune_estimate_of_truth": work.cost.finetune / finetuned,
    }


def main() -> None:
    parts = {"grid": grid, "step": step, "extraction": extraction, "study": study}
    for name in sys.argv[1:] or parts:
        found = {**parts[name](), "load": os.getloadavg()[0]}
        print(name, json.dumps(found, indent=1), flush=True)
        row = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
        row[name] = found
        RESULTS.write_text(json.dumps(row, indent=1) + "\n")


if __name__ == "__main__":
    main()
