"""Lines of rows whose answers are known."""

from __future__ import annotations

import csv
import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.studies.test_published import FULL

from presight.core import registry
from presight.evaluation.intervals import over_seeds
from presight.studies.cells import Arm, Cell, Row
from presight.studies.published import ROWS
from presight.studies.rows import packed
from presight.studies.standing import Table1, standing

N = 200
PAPER = {"pretrained": "simclr", "epochs": 1000.0, "batch_size": 4096, "crops": "2 x 224",
         "images": "f"}  # fmt: skip


def row(method: str, share: float, seed: int = 0, **details: Any) -> Row:
    right = (np.arange(N) < share * N).astype(np.float64)
    cell = Cell(Arm(method, "resnet50"), "frozen", 1000, seed)
    return Row(cell, {"accuracy": right.mean()}, {"accuracy": packed(right)}, N, 1.0, details)


def table(folder: Path, *rows: Row, failed: dict[str, str] | None = None, **change: Any) -> Table1:
    return standing(folder, rows, failed or {}, dataclasses.replace(FULL, **change), 0.001, {})


def test_a_figure_of_the_paper_s_own_setting_is_comparable(tmp_path: Path) -> None:
    found = table(tmp_path, row("simclr", 0.7, **PAPER))
    line = found.rows[6]
    assert (line.title, line.apart) == ("SimCLR", ())
    assert line.difference == pytest.approx(0.007)
    assert not any("not comparable" in text for text in found.lines())
    found.write()
    told = list(csv.DictReader((tmp_path / "table1.csv").read_text().splitlines()))[6]
    assert (told["comparable"], told["published"], told["survey"]) == ("yes", "0.693", "0.7")


def test_other_images_and_another_backbone_of_a_run_are_said(tmp_path: Path) -> None:
    line = table(tmp_path, row("simclr", 0.7, **{**PAPER, "images": "g"})).rows[6]
    assert line.apart == ("pretrained on other images than it learned from",)
    other = row("simclr", 0.7, **PAPER)
    cell = dataclasses.replace(other.cell, arm=Arm("runs/a", "resnet18"))
    line = table(tmp_path, dataclasses.replace(other, cell=cell)).rows[6]
    assert (line.title, line.apart) == ("SimCLR, a", ("resnet18 instead of resnet50",))


def test_seeds_become_a_mean_and_an_interval(tmp_path: Path) -> None:
    rows = [row("simclr", share, seed, **PAPER) for seed, share in enumerate((0.6, 0.7))]
    line = table(tmp_path, *rows).rows[6]
    assert line.by_seed == (0.6, 0.7)
    right = np.stack([np.arange(N) < 120, np.arange(N) < 140]).astype(np.int8)
    mean, low, high = over_seeds(right)
    assert line.score is not None
    assert tuple(line.score) == pytest.approx((mean, max(0, low), min(1, high)))


def test_the_sentence_names_the_best_and_its_gain(tmp_path: Path) -> None:
    rows = row("none", 0.5), row("moco", 0.6, pretrained="moco"), row("simclr", 0.7, **PAPER)
    sentence = table(tmp_path, *rows, row("imagenet", 0.9)).sentence
    assert sentence.startswith("Best of 2 frozen: SimCLR on resnet50: 70.0 % (95 % interval ")
    assert "+20.0 points over the untrained network" in sentence
    assert table(tmp_path, rows[0]).sentence == "No pretrained backbone was measured."


def test_rows_without_a_measurement_say_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = registry.entries()
    monkeypatch.setattr(
        registry, "entries", lambda: {name: one for name, one in real.items() if name != "moco-v2"}
    )
    failed = {"moco": "diverged", "runs/x": "diverged"}
    lines = {line.method: line for line in table(tmp_path, failed=failed).rows}
    assert lines["moco"].status == lines["runs/x"].status == "diverged"
    assert lines["simclr"].status == "not asked for"
    assert lines["moco-v2"].status == "not here yet"
    assert lines["imagenet"].status == "not asked for"
    text = "\n".join(table(tmp_path, failed=failed).lines())
    assert "not verified" in text
    assert len(text.splitlines()[1].split()) > 3


def test_the_file_holds_all_of_the_table(tmp_path: Path) -> None:
    found = table(tmp_path, row("none", 0.5), row("rotation", 0.6, pretrained="rotation"))
    found.write()
    told = json.loads((tmp_path / "table1.json").read_text())
    assert len(told["rows"]) == len(ROWS) + 2
    assert [line["score"] and line["score"][0] for line in told["rows"]][-2:] == [0.5, 0.6]
    assert (told["layout"], told["blind"], told["sentence"]) == (1, 0.001, found.sentence)
    assert found.summary["measured"] == {"none": 0.5, "rotation": 0.6}
