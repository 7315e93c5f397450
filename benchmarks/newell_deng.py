"""The study of Newell and Deng on embedded scenes, at the scale of two cores, row by row.

    python benchmarks/newell_deng.py --part single --seeds 3 --methods simclr,rotation,none

Rows land in benchmarks/results/newell-deng/PART/cells as they are measured, and the same command
measures what is missing; pretrained networks stay out of the repository, and are made again only
for rows that are missing. `presight study --preset newell-deng` with this folder as --out and the
same options reads them and writes the answers, the claims and the table.
"""

from __future__ import annotations

import argparse
import subprocess
import time
from pathlib import Path

import torch

from presight.studies.desk import Desk
from presight.studies.presets.newell_deng import CPU, newell_deng

HERE = Path(__file__).resolve().parent


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--part", choices=("single", "dense"), required=True)
    reader.add_argument("--methods", default="simclr,rotation,vae,deepcluster,none")
    reader.add_argument("--backbones", default="resnet9:8")
    reader.add_argument("--seeds", type=int, default=3)
    reader.add_argument("--stages", action="store_true")
    reader.add_argument("--out", type=Path, default=HERE / "results" / "newell-deng")
    reader.add_argument("--hours", type=float, default=1000.0)
    asked = reader.parse_args()
    torch.set_num_threads(1)
    plan = newell_deng(
        CPU,
        methods=tuple(asked.methods.split(",")),
        backbones=tuple(asked.backbones.split(",")),
        seeds=asked.seeds,
        stages=asked.stages,
        rates=(1e-3, 3e-3, 1e-2),
        device="cpu",
    )[asked.part]
    commit = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=HERE, text=True).strip()
    # Where rows lie is the machine's own business.
    command = (
        f"python benchmarks/newell_deng.py --part {asked.part} --methods {asked.methods} "
        f"--backbones {asked.backbones} --seeds {asked.seeds}"
    ) + (" --stages" if asked.stages else "")
    measure(Desk(plan, asked.out / asked.part, quiet=True,
                 told={"command": command, "commit": commit}), asked.hours)  # fmt: skip


def measure(desk: Desk, hours: float) -> None:
    (desk.out / "cells").mkdir(parents=True, exist_ok=True)
    missing = [cell for cell in desk.cells() if not desk.place(cell).is_file()]
    print(f"{len(missing)} cells are missing", flush=True)
    began = time.monotonic()
    for cell in missing:
        if time.monotonic() - began > 3600 * hours:
            break
        if not desk.arms.is_there(cell.arm, cell.seed):
            start = time.monotonic()
            desk.arms.pretrain(cell.arm, cell.seed, quiet=True)
            took = time.monotonic() - start
            print(f"{took:6.0f} s  pretrained {cell.arm} {cell.seed}", flush=True)
        row = desk.measure(cell)
        value = next(iter(row.values.values()))
        print(f"{row.seconds:6.0f} s  {cell.arm} {cell.mode} {cell.n_labels} seed {cell.seed} "
              f"{cell.task} {cell.measured_on}: {value:.3f}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
