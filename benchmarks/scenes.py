"""Scenes rendered in a CPU second: with five samples a pixel and shadows, and without.

One thread, blocks of 32, CPU time of this process; median of several passes over 96 scenes, all
labels included. Shapes and textures are made before.

    OMP_NUM_THREADS=1 python benchmarks/scenes.py [--passes 5] [--out results/scenes.json]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch

from presight.data.scenes.factors import Kind
from presight.data.scenes.render import render
from presight.data.scenes.source import BLOCK

COUNT = 96
CASES = ((1, 32), (1, 64), (1, 128), (4, 64), (4, 128))
WAYS = {
    "full": {},
    "sharp": {"antialias": False},
    "no_shadows": {"shadows": False},
    "neither": {"antialias": False, "shadows": False},
}


def rate(kind: Kind, size: int, way: dict[str, bool], passes: int) -> dict[str, float]:
    """Images a CPU second: median, least and greatest."""
    found = []
    for _ in range(passes):
        start = time.process_time()
        for first in range(0, COUNT, BLOCK):
            render(kind, torch.arange(first, first + BLOCK), size, **way)
        found.append(COUNT / (time.process_time() - start))
    return {"median": statistics.median(found), "least": min(found), "greatest": max(found)}


def measure(objects: int, size: int, passes: int) -> dict[str, object]:
    kind = Kind("TCVL", objects)
    for first in range(0, COUNT, BLOCK):
        render(kind, torch.arange(first, first + BLOCK), 16)
    ways = {name: rate(kind, size, way, passes) for name, way in WAYS.items()}
    return {"objects": objects, "size": size, **ways}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--passes", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results/scenes.json")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    for case in CASES:
        rows.append(measure(*case, options.passes))
        print(json.dumps(rows[-1]), flush=True)
    about = {"torch": torch.__version__, "machine": platform.machine(), "passes": options.passes}
    options.out.write_text(json.dumps({**about, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
