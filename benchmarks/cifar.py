"""What pretraining of so many minutes is worth on CIFAR-10: one small row file a cell.

    python benchmarks/cifar.py FOLDER_WITH_ARCHIVES [--cells simclr-20-0,rotation-20-0]

FOLDER holds train.tar.gz and test.tar.gz with CLASS/NAME.jpg inside. A cell is METHOD-MINUTES-SEED;
`frozen` as the method is learning rate 0: nothing but the norms' statistics moves. Cells whose row
is there are left out, so the same command goes on after an interruption.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import time
from pathlib import Path

import torch

import presight

RESULTS = Path(__file__).parent / "results"
CELLS = (
    "simclr-20-0",
    "rotation-20-0",
    "simclr-10-0",
    "simclr-20-1",
    "rotation-20-1",
    "simclr-10-1",
    "frozen-2-0",
)


def run_cell(cell: str, archives: Path, work: Path, backbone: str) -> dict[str, object]:
    method, minutes, seed = cell.rsplit("-", 2)
    train, test = str(archives / "train.tar.gz"), str(archives / "test.tar.gz")
    options: dict[str, object] = {"minutes": float(minutes), "seed": int(seed)}
    if method == "frozen":
        method, options["lr"] = "simclr", 0.0
    run = presight.pretrain(train, method=method, backbone=backbone, out=work / cell, **options)
    began = time.monotonic()
    measured = presight.evaluate(run.folder, train, test=test, label_counts="all", stages="none")
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    return {
        "cell": cell,
        "command": f"python benchmarks/cifar.py FOLDER --cells {cell}",
        "commit": commit,
        "data": "CIFAR-10 as JPEG copies (quality 75), 50,000 train and 10,000 test",
        "backbone": backbone,
        "threads": torch.get_num_threads(),
        "cores": os.cpu_count(),
        "load_before": LOAD,
        "run": {k: v for k, v in run.summary.items() if k != "folder"},
        "measure_seconds": round(time.monotonic() - began, 1),
        "scores": measured.summary["scores"],
    }


LOAD = os.getloadavg()[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archives", type=Path)
    parser.add_argument("--cells", default=",".join(CELLS))
    parser.add_argument("--work", type=Path, default=Path("runs/cifar"))
    parser.add_argument("--backbone", default="resnet9:16")
    arguments = parser.parse_args()
    for cell in arguments.cells.split(","):
        out = RESULTS / f"cifar-{cell}.json"
        if out.exists():
            continue
        row = run_cell(cell, arguments.archives, arguments.work, arguments.backbone)
        out.write_text(json.dumps(row, indent=1) + "\n")
        print(cell, row["run"], row["scores"], flush=True)


if __name__ == "__main__":
    main()
