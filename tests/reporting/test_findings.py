from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from presight.evaluation.score import Score, write_result
from presight.reporting.findings import change, gaps, order_of_rows, verdict, warned
from presight.reporting.reading import RunFacts, read_run
from presight.store import records
from reporting.doubles import make_run, score, usual_scores


def facts(
    tmp_path: Path, scores: Sequence[Score] | None, status: str = "done", updates: int = 60
) -> RunFacts:
    folder = make_run(tmp_path / "run", scores=scores, status=status, updates=updates)
    return read_run(folder.path)


def texts(run: RunFacts) -> list[str]:
    return [f"{one.level}: {one.text}" for one in warned(run)]


def test_the_verdict_names_its_interval_and_labels(tmp_path: Path) -> None:
    told = verdict(facts(tmp_path, usual_scores()))
    assert told.before == "With 1,000 labels, frozen features reach"
    assert told.figure == "71.2\u00a0%"
    assert "67.1 to 75.0" in told.after
    assert "A blind guess reaches 10.0\u00a0%." in told.lede


def test_worse_than_untrained_must_be_known(tmp_path: Path) -> None:
    run = facts(tmp_path, usual_scores(0.4, 0.6))
    assert any(t.startswith("must: The untrained network does better") for t in texts(run))
    assert "which is better" in verdict(run).lede


def test_what_cannot_be_told_is_not_ranked(tmp_path: Path) -> None:
    """Two of 500 images more, and different ones: inside the noise."""
    scores = usual_scores(0.5, 0.5)
    import numpy as np

    from presight.evaluation.score import packed_correct

    correct = np.arange(500) >= 252
    scores[3] = score("untrained", "linear", 0.496, correct=packed_correct(correct))
    run = facts(tmp_path, scores)
    assert any("cannot be told from the untrained network" in t for t in texts(run))
    assert gaps(scores)[0].low < 0 < gaps(scores)[0].high


def test_scores_on_other_images_are_not_compared(tmp_path: Path) -> None:
    scores = [score("pretrained", "linear", 0.5), score("untrained", "linear", 0.4, n=300)]
    assert gaps(scores) == []
    assert "beside the rows" in order_of_rows(scores)


def test_state_data_and_probe_warnings(tmp_path: Path) -> None:
    scores = usual_scores()
    scores[1] = score("pretrained", "linear", 0.7, converged=False, warnings=["4 images shared."])
    run = facts(tmp_path, scores, status="diverged")
    told = texts(run)
    assert told[0].startswith("must: Training diverged")
    assert "must: 4 images shared." in told
    assert "should: The linear probe of pretrained did not converge." in told
    assert "should: waits for quiet" in told
    assert told == sorted(told, key=lambda t: ["must", "should", "record"].index(t.split(":")[0]))


def test_few_test_images_are_named(tmp_path: Path) -> None:
    run = facts(tmp_path, [score("pretrained", "linear", 0.5, n=40)])
    assert any("40 test images are few" in t for t in texts(run))


def test_scores_of_earlier_weights_must_be_known(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run")
    write_result(folder.evaluation("one"), usual_scores(), {"weights": "others"})
    assert texts(read_run(folder.path))[0].startswith("must: These scores are of earlier weights")


def test_collapse_must_be_known(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run")
    records.append(folder.events, {"time": 2.0, "kind": "rank", "text": "it collapsed"})
    folder.skipped.write_text("path,reason\na.jpg,small\nb.jpg,small\n", encoding="utf-8")
    told = texts(read_run(folder.path))
    assert "must: it collapsed" in told
    assert "record: 2 images were left out; skipped.csv says why." in told


def test_titles_of_curves(tmp_path: Path) -> None:
    run = facts(tmp_path, None)
    assert change(run, "loss", "Loss") == "Loss fell from 4.877 to 1.116"
    assert change(run, "rank", "Rank") == "Rank rose from 10.5 to 40"
    assert change(run, "dim", "Width") == "Width stayed at 128"
