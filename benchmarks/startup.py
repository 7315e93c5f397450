"""CPU seconds of what must answer at once: help, list, and errors in names. Median of ten."""

from __future__ import annotations

import json
import platform
import resource
import statistics
import subprocess
import sys
from pathlib import Path

COMMANDS = {
    "--help": ["--help"],
    "list methods": ["list", "methods"],
    "unknown verb": ["pretrian", "photos"],
    "unknown method": ["pretrain", "photos", "--method", "simlcr"],
    "unknown backbone": ["pretrain", "photos", "--backbone", "resnet81"],
}
GOAL = 0.5


def cpu_seconds(arguments: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "presight", *arguments], capture_output=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    rows = {name: [] for name in COMMANDS}
    for _ in range(10):
        for name, arguments in COMMANDS.items():
            rows[name].append(cpu_seconds(arguments))
    print("| command | CPU s, median of ten | range | goal |\n| --- | --- | --- | --- |")
    for name, values in rows.items():
        print(
            f"| {name} | {statistics.median(values):.2f} | {min(values):.2f} to {max(values):.2f} "
            f"| {GOAL} |"
        )
    out = Path(__file__).parent / "results" / "startup.json"
    row = {
        "command": "python benchmarks/startup.py",
        "machine": platform.processor(),
        "seconds": rows,
    }
    out.write_text(json.dumps(row, indent=1) + "\n")


if __name__ == "__main__":
    main()
