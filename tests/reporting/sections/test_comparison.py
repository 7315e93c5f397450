from __future__ import annotations

from pathlib import Path

from presight.reporting.reading import RunFacts, read_run
from presight.reporting.sections import comparison
from reporting.charts.svg import texts
from reporting.doubles import curve_scores, make_run, score, usual_scores


def runs(tmp_path: Path, **scores: object) -> list[RunFacts]:
    return [read_run(make_run(tmp_path / name, scores=found).path)  # type: ignore[arg-type]
            for name, found in scores.items()]  # fmt: skip


def test_the_best_run_is_named_with_its_lead(tmp_path: Path) -> None:
    found = comparison.compare(runs(tmp_path, low=usual_scores(0.6), high=usual_scores(0.7)), 100)
    assert found.verdict.before == "With 1,000 labels, high reaches"
    assert found.verdict.figure == "70.0\u00a0%"
    assert found.verdict.lede.startswith(
        "That is 10.0 points (95 % interval 7.4 to 12.8) above low, the next."
    )
    assert "the best of 2 runs" in found.verdict.after


def test_equal_runs_are_not_ranked(tmp_path: Path) -> None:
    found = comparison.compare(runs(tmp_path, a=usual_scores(0.7), b=usual_scores(0.7)), 100)
    assert "It cannot be told from" in found.verdict.lede


def test_other_test_images_do_not_compare(tmp_path: Path) -> None:
    other = [score("pretrained", "linear", 0.9, test_fingerprint="other")]
    found = comparison.compare(runs(tmp_path, a=usual_scores(), b=other), 100)
    assert found.verdict.figure == "none compare"
    assert any("b: other labels or test images" in one.text for _, one in found.warnings)
    three = comparison.compare(
        runs(tmp_path / "x", a=usual_scores(0.6), b=other, c=usual_scores(0.7)), 100
    )
    assert three.verdict.before == "With 1,000 labels, c reaches"


def test_failures_stay_in_the_table(tmp_path: Path) -> None:
    found_runs = [
        *runs(tmp_path, a=usual_scores()),
        read_run(make_run(tmp_path / "f", scores=None, status="failed", updates=1).path),
    ]
    found = comparison.compare(found_runs, 100)
    table = found.sections[0].blocks[0]
    assert table.kind == "table"
    assert table.sortable
    assert [row[2] for row in table.rows] == ["done", "failed"]
    assert table.rows[1][4:7] == ("not measured",) * 3
    assert found.warnings[0][0] == "Must know"


def test_label_curves_stand_in_one_chart(tmp_path: Path) -> None:
    found = comparison.compare(runs(tmp_path, a=curve_scores(), b=curve_scores()), 100)
    figure = found.sections[1].blocks[0]
    assert figure.kind == "figure"
    assert figure.values is not None
    assert {"a", "b", "untrained", "blind guess"} <= set(texts(figure.drawing))
    assert figure.table is not None
    assert len(figure.table.rows) == 9


def test_other_pretraining_images_are_said(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "other", scores=usual_scores())
    text = folder.data.read_text().replace("0123abcd", "ffff")
    folder.data.write_text(text)
    found = comparison.compare([*runs(tmp_path, a=usual_scores()), read_run(folder.path)], 100)
    assert any("different images" in one.text for _, one in found.warnings)


def test_one_number_of_labels_makes_dots(tmp_path: Path) -> None:
    found = comparison.compare(runs(tmp_path, low=usual_scores(0.6), high=usual_scores(0.7)), 100)
    figure = found.sections[1].blocks[0]
    assert figure.kind == "figure"
    assert figure.values is None
    assert {"low", "high", "untrained"} <= set(texts(figure.drawing))
    assert figure.title.startswith("With 1,000 labels high is 10.0 points (95 % interval 7.4 to")
