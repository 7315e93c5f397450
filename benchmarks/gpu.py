"""SimCLR on one CUDA device: images a second of the trainer, views and all, against a bare loop.

The bare loop does the forward and backward pass of the same network on views that were made
before. Both run in blocks, in turn. Without a CUDA device nothing is measured or written.
"""

from __future__ import annotations

import dataclasses
import json
import random
import statistics
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import torch

from presight.core.batch import Batch, DataSpec, Step
from presight.core.draw import Draw
from presight.core.plan import TrainPlan
from presight.data.loader import Loader
from presight.restore import Origin, build_method
from presight.testing.trial import Pictures
from presight.training.loop import advance, keep
from presight.training.monitor import Monitor
from presight.training.recorder import Recorder
from presight.training.runtime import Runtime, device_name
from presight.training.session import Session
from presight.training.signals import Signals

IMAGES, CANVAS, SIDE, BATCH = 8192, 56, 32, 512
BLOCKS, STEPS, WARM = 20, 20, 30
TOTAL = 1 << 17
GOAL = 0.9


def rate(step: Callable[[], None]) -> float:
    """Images a second over a block."""
    torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(STEPS):
        step()
    torch.cuda.synchronize()
    return BATCH * STEPS / (time.perf_counter() - start)


def measure(runtime: Runtime) -> dict[str, list[float]]:
    """Images a second of both, block by block."""
    spec = DataSpec(IMAGES, SIDE, BATCH, IMAGES // BATCH, TOTAL * BATCH / IMAGES)
    origin = Origin("resnet18", "small", SIDE, "simclr", {}, dataclasses.asdict(spec), 0)
    plan = TrainPlan(batch_size=BATCH, precision="bf16", epochs=spec.epochs)
    loader = Loader(Pictures(IMAGES, CANVAS), batch_size=BATCH, seed=0, device=runtime.device)
    method, bare = build_method(origin), build_method(origin)
    session = Session.open(method, plan, runtime)
    recorder = Recorder(session, TOTAL, Monitor(), [], BATCH, spec.updates_per_epoch)
    session.guard.snapshot()
    runtime.place(bare)
    bare.train()

    def endless() -> Iterator[Batch]:
        for epoch in count():
            yield from loader.epoch(epoch)

    waiting = recorder.waiting(endless())
    first = next(waiting).to(runtime.device)
    draw = Draw(0, 0, first.index)
    views, context = method.views(first, draw), Step(0, 1, 0, first.index, draw)

    def bare_step() -> None:
        bare.zero_grad()
        with runtime.autocast():
            loss = bare(views, context).loss
        loss.backward()

    rates: dict[str, list[float]] = {"bare": [], "trainer": []}
    with Signals() as signals:

        def trainer_step() -> None:
            advance(session, method.views, next(waiting), TOTAL, spec.updates_per_epoch, recorder)
            keep(session, None, signals)

        for _ in range(WARM):
            bare_step()
            trainer_step()
        for _ in range(BLOCKS):
            pair = [("bare", bare_step), ("trainer", trainer_step)]
            random.shuffle(pair)
            for name, step in pair:
                rates[name].append(rate(step))
    return rates


def main() -> None:
    if not torch.cuda.is_available():
        print("there is no CUDA device here: nothing was measured, and no result was written")
        return
    runtime = Runtime("cuda", "bf16")
    rates = measure(runtime)
    shares = [t / b for t, b in zip(rates["trainer"], rates["bare"], strict=True)]
    row = {
        "command": "python benchmarks/gpu.py",
        "device": device_name(runtime.device),
        "torch": torch.__version__,
        "bare_images_per_second": statistics.median(rates["bare"]),
        "images_per_second": statistics.median(rates["trainer"]),
        "share": statistics.median(shares),
        "blocks": BLOCKS,
    }
    runtime.close()
    print(
        f"SimCLR, resnet18, {SIDE} px, batch {BATCH}, bf16: {row['images_per_second']:,.0f} "
        f"images/s, {row['share']:.0%} of the bare forward and backward pass (goal {GOAL:.0%})"
    )
    (Path(__file__).parent / "results" / "gpu.json").write_text(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
