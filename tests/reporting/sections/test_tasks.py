"""Figures of tasks on the page of a run."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from presight.evaluation.outcomes import Outcome, write_outcomes
from presight.reporting.page import write_report
from presight.reporting.reading import read_run
from presight.reporting.sections import tasks
from reporting.doubles import make_run

BEST = Outcome("pretrained", "mIoU", "%", True, 0.412, 0.39, 0.435, 200,
               {"from scratch": [0.051, 0.03, 0.072], "blind guess": [0.3, 0.2, 0.4]})  # fmt: skip
OTHER = dataclasses.replace(BEST, row="from scratch", value=0.361, above={})
ERROR = dataclasses.replace(BEST, metric="RMSE", unit="m", value=1.25, low=1.0, high=1.5, above={})


def measured(folder: Path, *outcomes: Outcome, name: str = "a", **protocol: Any) -> Path:
    run = make_run(folder).path if not folder.exists() else folder
    told = {"task": "segmentation", "mode": "finetune", "n_test": 48, "split": "given", **protocol}
    write_outcomes(run / "eval" / name, outcomes, told)
    return run


def test_figures_and_the_gain_stand_in_a_table(tmp_path: Path) -> None:
    found = tasks.section(read_run(measured(tmp_path / "run", BEST, OTHER, ERROR)))
    assert found is not None
    assert "41.2 % mIoU, 5.1 points above the same network from scratch" in found.finding
    words, table = found.blocks
    assert words.kind == "words"
    assert words.title == "segmentation, fine-tuned"
    assert "48 test images (given)." in words.text
    assert "other weights" not in words.text
    assert table.kind == "table"
    assert table.head[:4] == ("figure", "labels", "pretrained", "from scratch")
    assert list(table.rows) == [
        ("mIoU, %", "200", "41.2  (39.0 to 43.5)", "36.1  (39.0 to 43.5)", "5.1  (3.0 to 7.2)"),
        ("RMSE, m", "200", "1.25  (1 to 1.5)", "not measured", "not measured"),
    ]


def test_the_newest_leads_and_figures_of_other_weights_say_so(tmp_path: Path) -> None:
    run = measured(tmp_path / "run", BEST, weights="other")
    newer = dataclasses.replace(BEST, value=0.5, metric="AP")
    measured(run, newer, name="b", task="detection", mode="frozen")
    found = tasks.section(read_run(run))
    assert found is not None
    assert "50.0 % AP" in found.finding
    titles = [block.title for block in found.blocks if block.kind == "words"]
    assert titles == ["detection, frozen", "segmentation, fine-tuned"]
    assert [("other weights" in b.text) for b in found.blocks if b.kind == "words"] == [False, True]


def test_nothing_measured_has_no_section_and_what_is_damaged_is_a_remark(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run").path
    assert tasks.section(read_run(run)) is None
    (run / "eval" / "a").mkdir(parents=True)
    (run / "eval" / "a" / "task.json").write_text("{")
    facts = read_run(run)
    assert tasks.section(facts) is None
    assert [line for line in facts.remarks if "task.json cannot be read" in line]


def test_the_page_has_it(tmp_path: Path) -> None:
    run = measured(tmp_path / "run", BEST, OTHER, task="<script>", split="\x1b[31m")
    text = write_report([run], tmp_path / "page.html").read_text()
    assert "What is it worth on a task?" in text
    assert "&lt;script&gt;, fine-tuned" in text
    assert "\x1b" not in text
