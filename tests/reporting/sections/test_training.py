from __future__ import annotations

from pathlib import Path

from presight.reporting.reading import read_run
from presight.reporting.sections import training
from reporting.doubles import make_run


def test_what_the_log_holds_is_drawn(tmp_path: Path) -> None:
    run = read_run(make_run(tmp_path / "run").path)
    found = training.section(run, "r0")
    assert found.finding == (
        "The loss fell from 4.877 to 1.116. At the end the embedding used 40 of 128 dimensions."
    )
    (block,) = found.blocks
    assert block.kind == "multiples"
    assert [row[0] for row in block.table.rows] == ["loss", "effective rank", "images a second"]
    assert "128 dimensions" in block.figures[1].drawing
    assert block.title == "Loss and effective rank, epoch by epoch"


def test_the_ridge_monitor_is_drawn_in_percent(tmp_path: Path) -> None:
    run = read_run(make_run(tmp_path / "run").path)
    for i, record in enumerate(run.records):
        record["ridge_accuracy"] = 0.2 + i / 1000
    (block,) = training.section(run, "r0").blocks
    assert block.kind == "multiples"
    (row,) = [row for row in block.table.rows if row[0].startswith("ridge")]
    assert row[1:3] == ("20", "25.9")


def test_a_log_of_nothing_is_said(tmp_path: Path) -> None:
    run = read_run(make_run(tmp_path / "run", updates=1).path)
    found = training.section(run, "r0")
    assert not found.blocks
    assert "nothing can be drawn" in found.finding


def test_changes_in_words(tmp_path: Path) -> None:
    run = read_run(make_run(tmp_path / "run").path)
    assert training.change(run, "rank", "Rank") == "Rank rose from 10.5 to 40"
    assert training.change(run, "dim", "Width") == "Width stayed at 128"


def test_curves_of_several_runs_share_a_drawing(tmp_path: Path) -> None:
    runs = [read_run(make_run(tmp_path / name).path) for name in ("a", "b")]
    (rank,) = training.together(runs, "all", 100)
    assert ">a</text>" in rank.drawing
    assert ">b</text>" in rank.drawing
    assert training.together(runs[:1], "all", 100) == []
