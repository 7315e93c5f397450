from __future__ import annotations

from pathlib import Path

from presight.reporting.reading import read_run
from presight.reporting.sections import useful
from reporting.charts.svg import texts
from reporting.doubles import curve_scores, make_run, usual_scores


def test_several_numbers_of_labels_make_a_curve(tmp_path: Path) -> None:
    run = read_run(make_run(tmp_path / "run", scores=curve_scores()).path)
    found = useful.section(run, "r0")
    curve = found.blocks[0]
    assert curve.kind == "figure"
    assert {"pretrained", "untrained", "raw pixels", "blind guess", "200"} <= set(
        texts(curve.drawing)
    )
    assert curve.values is not None
    assert curve.values["n"] == [50, 200, 1000]
    assert "3 label seeds" in curve.protocol
    assert "50, 200, 1,000 labels" in curve.protocol
    assert curve.table is not None
    assert len(curve.table.rows) == 4 * 3
    assert curve.table.rows[0][:2] == ("pretrained", "50")


def test_gaps_are_a_table_of_their_own(tmp_path: Path) -> None:
    run = read_run(make_run(tmp_path / "run", scores=curve_scores(1)).path)
    gaps = useful.section(run, "r0").blocks[1]
    assert gaps.kind == "table"
    assert gaps.head == ("labels", "above the untrained network", "above raw pixels")
    assert [row[0] for row in gaps.rows] == ["50", "200", "1,000"]
    assert gaps.rows[0][1].startswith("+20.0 (+16.")


def test_one_number_of_labels_makes_dots(tmp_path: Path) -> None:
    run = read_run(make_run(tmp_path / "run", scores=usual_scores()).path)
    dots = useful.section(run, "r0").blocks[0]
    assert dots.kind == "figure"
    assert dots.values is None
    assert {"linear probe", "kNN"} <= set(texts(dots.drawing))
    assert dots.table is not None
    assert dots.table.rows[-1][2:] == ("10.0\u00a0% (7.7 to 12.9)",) * 2


def test_nothing_measured_names_the_command(tmp_path: Path) -> None:
    found = useful.section(read_run(make_run(tmp_path / "run").path), "r0")
    (ask,) = found.blocks
    assert ask.kind == "words"
    assert ask.command == "presight evaluate RUN --labels LABELLED"
