"""A run folder with everything a report reads, without training."""

from __future__ import annotations

import dataclasses
import io
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from presight.evaluation.embedding import files
from presight.evaluation.intervals import wilson
from presight.evaluation.score import Score, packed_correct, write_result
from presight.store import atomic, records
from presight.store.folder import RunFolder


def score(row: str, protocol: str, share: float, n: int = 500, **details: object) -> Score:
    """A score whose first images are the right ones."""
    hits = round(share * n)
    correct = np.arange(n) < hits
    low, high = wilson(hits, n)
    told = {"correct": packed_correct(correct), "split": "given", "warnings": [], **details}
    return Score(row, protocol, hits / n, low, high, 1000, n, 0, told)


def usual_scores(pretrained: float = 0.712, untrained: float = 0.583) -> list[Score]:
    return [
        score("pretrained", "knn", pretrained - 0.05),
        score("pretrained", "linear", pretrained, converged=True),
        score("untrained", "knn", untrained - 0.06),
        score("untrained", "linear", untrained, converged=True),
        score("raw pixels", "knn", 0.3),
        score("raw pixels", "linear", 0.35, converged=True),
        score("blind guess", "majority", 0.1),
    ]


def curve_scores(seeds: int = 3) -> list[Score]:
    """Three numbers of labels, and `seeds` label seeds each."""
    return [
        dataclasses.replace(
            score(row, protocol, level + (protocol != "majority") * (step / 10 + seed / 100)),
            n_train=n,
            seed=seed,
        )
        for step, n in enumerate((50, 200, 1000))
        for seed in range(seeds)
        for row, protocol, level in (
            ("pretrained", "linear", 0.5),
            ("pretrained", "knn", 0.45),
            ("untrained", "linear", 0.3),
            ("raw pixels", "linear", 0.28),
            ("blind guess", "majority", 0.1),
        )
    ]


def make_embedding(folder: Path, *, n: int = 60, labels: bool = True, name: str = "class") -> Path:
    """An embedding folder; `name` begins every class and file name."""
    draw = np.random.default_rng(0)
    group = np.arange(n) % 3
    middles = np.array([[0.0, 0.0], [5.0, 1.0], [2.0, 6.0]])
    places = middles[group] + draw.normal(size=(n, 2))
    far = ((places[:, None] - places[None]) ** 2).sum(2) + np.eye(n) * 1e9
    near = np.argsort(far, axis=1)[:, :8]
    alike = np.sort(draw.uniform(0.3, 0.99, near.shape), axis=1)[:, ::-1]
    rows = [[int(i), *map(int, near[i])] for i in range(12)]
    told = {
        "data": "photos", "fingerprint": "01", "weights": "w",
        "classes": [f"{name} {i}" for i in range(3)] if labels else None,
        "map": {"kind": "tsne", "perplexity": 30.0, "seed": 0},
        "gallery": {"fixed": rows[:10], "worst": rows[10:]}, "diagnostics": {}, "purity": None,
    }  # fmt: skip
    words = {"identity": [f"{name}/{i}.png" for i in range(n)]}
    if labels:
        words["label"] = [f"{name} {group[i]}" for i in range(n)]
        words["predicted"] = [f"{name} {group[(i * 7) % n]}" for i in range(n)]
    columns, side = 8, 16
    lines = -(-n // columns)
    held = io.BytesIO()
    pixels = draw.integers(0, 255, (lines * side, columns * side, 3), np.uint8)
    Image.fromarray(pixels).save(held, "JPEG")
    files.write(
        folder, vectors=draw.normal(size=(n, 4)), map=places, neighbors=near, similarity=alike,
        words=words, sheet=files.Sheet.of(held.getvalue(), side, columns, range(n)), info=told,
    )  # fmt: skip
    return folder


def make_run(
    path: Path,
    *,
    scores: Sequence[Score] | None = None,
    name: str = "quiet",
    status: str = "done",
    updates: int = 60,
) -> RunFolder:
    """`name` stands everywhere where a user's words may stand."""
    folder = RunFolder(path).create(["presight", "pretrain", name, "--out", "runs/a b"])
    folder.update(status, seconds=754.0)  # type: ignore[arg-type]
    atomic.write_text(
        folder.config,
        f"layout: 1\ndata: {_quoted(name)}\nmethod:\n  name: {_quoted(name)}\n"
        "  views:\n    name: usual\n    size: 32\n"
        "train:\n  epochs: 3.0  # user\n  lr: 0.3\nrun:\n  backbone: resnet18\n",
    )
    atomic.write_json(
        folder.data,
        {
            "layout": 1,
            "source": name,
            "fingerprint": "0123abcd",
            "spec": {"n_samples": 12_345, "image_size": 32},
            "defaults": {"epochs": 100, "lr": 0.3, "views": {"name": "usual", "size": 32}},
            "origins": {"epochs": "user", "lr": "default", "method": name, "views": "file"},
        },
    )
    atomic.write_json(folder.environment, {"python": "3.11.2", "packages": {name: "1.0"}})
    for step in range(1, updates + 1):
        record = {
            "step": step,
            "epoch": step / 20,
            "loss": 5.0 * math.exp(-step / 40),
            "rank": 10.0 + step / 2,
            "dim": 128,
            "images_per_second": 900.0 + step,
        }
        records.append(folder.metrics, record)
    records.append(folder.events, {"time": 1.0, "kind": "wait", "text": f"waits for {name}"})
    pictures = folder.path / "pictures"
    pictures.mkdir()
    pixels = np.random.default_rng(0).integers(0, 255, (32, 96, 3), np.uint8)
    Image.fromarray(pixels).save(pictures / "first-batch.png")
    if scores is not None:
        write_result(folder.evaluation("one"), scores, {"data": name})
    return folder


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
