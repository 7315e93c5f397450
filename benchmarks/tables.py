"""Write the tables of docs/performance.md from the rows in benchmarks/results/."""

from __future__ import annotations

import json
import re
import statistics
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "performance.md"


def held(name: str) -> dict:
    return json.loads((RESULTS / f"{name}.json").read_text())


def views() -> list[str]:
    lines = ["| view from cached | times lightly (range) | goal |", "| --- | --- | --- |"]
    for row in held("views")["rows"]:
        lines.append(
            f"| {row['size']} px from {row['height']}x{row['width']} | {row['ratio']:.1f} "
            f"({row['least']:.1f} to {row['greatest']:.1f}) | {row['goal']:g} |"
        )
    return lines


def agreement() -> list[str]:
    lines = [
        "| view from cached | the executors | batched and torchvision | views over 1 "
        "| torchvision in 8 bits |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in held("agreement")["rows"]:
        mean, worst = (
            [row[name][key] for name in ("executors", "batched", "torchvision_8_bits")]
            for key in ("mean", "worst")
        )
        lines.append(
            f"| {row['size']} px from {row['height']}x{row['width']} "
            f"| {mean[0]:.2f}, worst {worst[0]:.2f} | {mean[1]:.3f}, worst {worst[1]:.2f} "
            f"| {row['executors']['over_1']:.1%} | {mean[2]:.2f}, worst {worst[2]:.1f} |"
        )
    return lines


def overhead() -> list[str]:
    row = held("overhead")
    return [
        f"A bare step takes {row['bare_ms']:.1f} ms; the trainer adds {row['added_ms_median']:.2f} "
        f"ms at the median and {row['added_ms_mean']:.2f} ms in the mean (goal 1.5)."
    ]


def startup() -> list[str]:
    lines = ["| command | CPU s |", "| --- | --- |"]
    for name, values in held("startup")["seconds"].items():
        lines.append(f"| {name} | {statistics.median(values):.2f} |")
    return lines


def cached_side() -> list[str]:
    row = held("cached_side")
    head = " | ".join(f"{area:.0%} of the area" for area in row["areas"])
    lines = [f"| cached short side | {head} |", "| --- |" + " --- |" * len(row["areas"])]
    for side, values in row["detail"].items():
        lines.append(f"| {side} px | " + " | ".join(f"{v:.0%}" for v in values) + " |")
    return lines


def cifar() -> list[str]:
    lines = [
        "| method | minutes | seed | images/s | kNN | linear probe | commit |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    seen: dict[str, dict[str, float]] = {}
    for path in sorted(RESULTS.glob("cifar-*.json")):
        row = json.loads(path.read_text())
        method, minutes, seed = row["cell"].rsplit("-", 2)
        name = "learning rate 0" if method == "frozen" else method
        scores = row["scores"]
        lines.append(
            f"| {name} | {minutes} | {seed} | {row['run']['images_per_second']:.0f} | "
            f"{scores['pretrained/knn']:.3f} | {scores['pretrained/linear']:.3f} | "
            f"{row['commit']} |"
        )
        seen[seed] = scores
    references = [("untrained", seed) for seed in sorted(seen)]
    for name, seed in [*references, *[("raw pixels", seed) for seed in sorted(seen)[:1]]]:
        knn, linear = seen[seed][f"{name}/knn"], seen[seed][f"{name}/linear"]
        lines.append(f"| {name} | | {seed} | | {knn:.3f} | {linear:.3f} | |")
    return lines


def scenes() -> list[str]:
    lines = [
        "| scenes | images a CPU second (range) | one sample a pixel | no shadows | neither |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in held("scenes")["rows"]:
        what = "one object" if row["objects"] == 1 else f"{row['objects']} objects"
        full = row["full"]
        rest = " | ".join(f"{row[way]['median']:.0f}" for way in ("sharp", "no_shadows", "neither"))
        lines.append(
            f"| {what}, {row['size']} px | {full['median']:.0f} "
            f"({full['least']:.0f} to {full['greatest']:.0f}) | {rest} |"
        )
    return lines


def scenes_difficulty() -> list[str]:
    lines = [
        "| varied | area of the object | colors | pixels, linear | pixels, nearest | network |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    names = ("linear_area", "linear_colors", "linear_pixels", "nearest_pixels", "network")
    for row in held("scenes_difficulty")["rows"]:
        figures = " | ".join(f"{row[name]:.2f}" for name in names)
        lines.append(f"| {row['factors']} | {figures} |")
    return lines


def probes() -> list[str]:
    row = held("probes")
    lines = ["| probe | CPU s | wall s (range) | accuracy |", "| --- | --- | --- | --- |"]
    for name, one in row["rows"].items():
        lines.append(
            f"| {name} | {one['cpu']:.1f} | {one['wall']:.1f} ({one['wall_least']:.1f} to "
            f"{one['wall_greatest']:.1f}) | {one['accuracy']:.4f} |"
        )
    lines.append(
        f"| scikit-learn, best of a fine grid by test | | | {row['grid']['accuracy']:.4f} |"
    )
    lines += ["", f"Other work ran beside it, {row['load']:.1f} processes on the two cores."]
    return lines


TABLES: dict[str, Callable[[], list[str]]] = {
    "views": views,
    "agreement": agreement,
    "overhead": overhead,
    "startup": startup,
    "cached_side": cached_side,
    "cifar": cifar,
    "probes": probes,
    "scenes": scenes,
    "scenes_difficulty": scenes_difficulty,
}


def main() -> None:
    text = PAGE.read_text()
    for name, make in TABLES.items():
        table = "\n".join(make())
        text = re.sub(
            rf"(<!-- {name} -->\n).*?(<!-- end -->)",
            lambda found, table=table: f"{found[1]}{table}\n{found[2]}",
            text,
            flags=re.DOTALL,
        )
    PAGE.write_text(text)


if __name__ == "__main__":
    main()
