from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from presight.evaluation.score import Score, write_result
from presight.reporting.cautions import warned
from presight.reporting.reading import RunFacts, read_run
from presight.store import records
from reporting.doubles import make_run, score, usual_scores


def facts(tmp_path: Path, scores: Sequence[Score] | None, status: str = "done") -> RunFacts:
    return read_run(make_run(tmp_path / "run", scores=scores, status=status).path)


def texts(run: RunFacts) -> list[str]:
    return [f"{one.level}: {one.text}" for one in warned(run)]


def test_worse_than_untrained_must_be_known(tmp_path: Path) -> None:
    run = facts(tmp_path, usual_scores(0.4, 0.6))
    assert any(t.startswith("must: The untrained network does better") for t in texts(run))


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


def test_few_updates_are_named(tmp_path: Path) -> None:
    """By the last record of the log; without a log nothing is known of them."""
    words = "should: Only 299 updates: little can be learned in so few."
    folder = make_run(tmp_path / "run", updates=299)
    assert words in texts(read_run(folder.path))
    records.append(folder.metrics, {"step": 300})
    folder.metrics.write_text(folder.metrics.read_text() + '{"step": "many"}\n')
    assert not [t for t in texts(read_run(folder.path)) if "updates" in t]
    folder.metrics.unlink()
    assert not [t for t in texts(read_run(folder.path)) if "updates" in t]


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
    assert "record: 2 of 12,347 images were left out." in told


def test_near_duplicates_and_alarms_must_be_known(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run")
    protocol = {
        "duplicates": {"words": ["14 of 500 test images are near duplicates of training images."]},
        "diagnostics": {"pretrained": {"alarms": ["The features lost most dimensions."]}},
    }
    write_result(folder.evaluation("one"), usual_scores(), protocol)
    told = texts(read_run(folder.path))
    assert "must: 14 of 500 test images are near duplicates of training images." in told
    assert "must: The features lost most dimensions." in told


def test_near_duplicates_that_change_no_accuracy_are_for_the_record(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run")
    duplicates = {"words": [], "harmless": ["2 of 2,000 test images."]}
    write_result(folder.evaluation("one"), usual_scores(), {"duplicates": duplicates})
    (found,) = [one for one in warned(read_run(folder.path)) if "2 of 2,000" in one.text]
    assert (found.level, found.do) == ("record", "")


def test_near_duplicates_of_several_pairs_of_sets_are_all_named(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run")
    pairs = {"train and test": {"words": "2 of them."}, "pretraining": {"words": ["3."]}, "x": 4}
    write_result(folder.evaluation("one"), usual_scores(), {"duplicates": pairs})
    told = texts(read_run(folder.path))
    assert {"must: 2 of them.", "must: 3."} <= set(told)


def test_uneven_classes_are_named(tmp_path: Path) -> None:
    scores = [
        score("pretrained", "linear", 0.8, mean_per_class=0.5),
        score("blind guess", "majority", 0.7, classes=4),
    ]
    told = warned(facts(tmp_path, scores))
    (uneven,) = [one for one in told if one.text.startswith("Classes are uneven")]
    assert uneven.do == "The mean over classes is 50.0\u00a0%."


def test_folders_do_not_appear(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run")
    text = "/data/secret/a.png is damaged"
    records.append(folder.events, {"time": 2.0, "kind": "data", "text": text})
    assert "should: a.png is damaged" in texts(read_run(folder.path))


def test_the_scale_is_named_where_it_is_known(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", scores=usual_scores())
    assert not [t for t in texts(read_run(folder.path)) if "published" in t]
    text = folder.data.read_text().replace('"image_size": 32', '"image_size": 32, "epochs": 2.5, '
                                           '"global_batch": 128')  # fmt: skip
    folder.data.write_text(text)
    (found,) = [one for one in warned(read_run(folder.path)) if "published" in one.text]
    assert (
        found.do
        == "This is 12,345 images, of 32 px, 2.5 epochs, batches of 128; papers have their own."
    )


def test_earlier_evaluations_are_named(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", scores=usual_scores())
    assert not [t for t in texts(read_run(folder.path)) if "earlier evaluation" in t]
    write_result(folder.evaluation("two"), usual_scores())
    assert "record: 1 earlier evaluation is in the run folder." in texts(read_run(folder.path))
