"""Two SimCLR views an image from cached pixels to normalized float: presight against lightly.

Both sides get the same cached image; lightly gets it as a PIL image and runs its SimCLRTransform
with its defaults at that size, presight its `simclr` recipe with the same scale, strength and blur
probability, and the backbone's normalization. One thread, CPU time, paired and interleaved.

    OMP_NUM_THREADS=1 python benchmarks/views.py [--pairs 9] [--out benchmarks/results/views.json]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from presight.core.backbone import Normalize
from presight.core.batch import Batch
from presight.core.draw import Draw
from presight.views.pairs import SimCLRPair

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Case:
    size: int
    height: int
    width: int
    images: int
    goal: float


CASES = (
    Case(32, 32, 32, 512, 8.0),
    Case(96, 96, 96, 128, 4.5),
    Case(224, 256, 256, 64, 4.5),
    Case(224, 392, 523, 48, 3.5),
)


def natural(count: int, height: int, width: int) -> Tensor:
    """Uint8 [n,3,h,w]: smooth noise of many scales."""
    generator = torch.Generator().manual_seed(0)
    total = torch.full((count, 3, height, width), 120.0)
    for side, weight in ((4, 70.0), (8, 45.0), (16, 30.0), (32, 18.0), (64, 8.0)):
        shape = (min(side, height), min(side, width))
        field = torch.randn(count, 3, *shape, generator=generator)
        total += weight * F.interpolate(field, (height, width), mode="bilinear")
    total += 4.0 * torch.randn(count, 3, height, width, generator=generator)
    return total.clamp(0, 255).to(torch.uint8)


def seconds(run: Callable[[int], object], turn: int) -> float:
    """CPU seconds of one run, after the other side warmed nothing of it."""
    start = time.process_time()
    run(turn)
    return time.process_time() - start


def measure(case: Case, pairs: int) -> dict[str, float]:
    from lightly.transforms.simclr_transform import SimCLRTransform

    images = natural(case.images, case.height, case.width)
    batch = Batch.of(images)
    pictures = [Image.fromarray(image.permute(1, 2, 0).contiguous().numpy()) for image in images]
    theirs = SimCLRTransform(input_size=case.size)
    matched = SimCLRPair(strength=1.0, blur=(0.5, 0.5)).sized(case.size)
    default = SimCLRPair().sized(case.size)
    normalize = Normalize(MEAN, STD)

    def lightly(turn: int) -> Tensor:
        views = [theirs(picture) for picture in pictures]
        return torch.stack([view for pair in zip(*views, strict=True) for view in pair])

    def presight(recipe: SimCLRPair) -> Callable[[int], Tensor]:
        return lambda turn: normalize(recipe(batch, Draw(0, turn, batch.index))["views"])

    sides = {"lightly": lightly, "matched": presight(matched), "default": presight(default)}
    times: dict[str, list[float]] = {name: [] for name in sides}
    for run in sides.values():
        run(0)
    order = list(sides)
    for turn in range(pairs):
        random.Random(turn).shuffle(order)
        for name in order:
            times[name].append(seconds(sides[name], turn))
    rate = {name: case.images / statistics.median(found) for name, found in times.items()}
    ratio = {
        name: [a / b for a, b in zip(times["lightly"], times[name], strict=True)]
        for name in ("matched", "default")
    }
    return {
        "size": case.size,
        "height": case.height,
        "width": case.width,
        "lightly": rate["lightly"],
        "presight": rate["matched"],
        "ratio": statistics.median(ratio["matched"]),
        "least": min(ratio["matched"]),
        "greatest": max(ratio["matched"]),
        "ratio_own_defaults": statistics.median(ratio["default"]),
        "goal": case.goal,
    }


def table(rows: list[dict[str, float]]) -> str:
    lines = [
        "| view | cached | lightly images/s | presight images/s | ratio (range) "
        "| with presight's defaults | goal |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        lines.append(
            "| {size} | {height}x{width} | {lightly:.0f} | {presight:.0f} "
            "| {ratio:.1f}x ({least:.1f}-{greatest:.1f}) | {ratio_own_defaults:.1f}x "
            "| {goal}x |".format(**row)
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=9)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results/views.json")
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    rows = [measure(case, options.pairs) for case in CASES]
    print(table(rows))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    versions = {
        "torch": torch.__version__,
        "opencv": cv2.__version__,
        "machine": platform.machine(),
    }
    options.out.write_text(json.dumps({"pairs": options.pairs, **versions, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
