from __future__ import annotations

from pathlib import Path

import pytest

from presight.errors import RunError
from presight.evaluation.score import weights_of, write_result
from presight.reporting.reading import is_finite, read_run, series
from presight.store import atomic
from reporting.doubles import make_embedding, make_run, usual_scores


def test_everything_is_read(tmp_path: Path) -> None:
    run = read_run(make_run(tmp_path / "run", scores=usual_scores()).path)
    assert (run.name, run.status, run.skipped, run.remarks) == ("run", "done", 0, [])
    assert run.config["train.epochs"] == 3.0
    assert run.origins["epochs"] == "user"
    assert run.defaults == {"epochs": 100, "lr": 0.3, "views.name": "usual", "views.size": 32}
    assert len(run.records) == 60
    assert run.scores == usual_scores()
    assert [path.name for path in run.pictures] == ["first-batch.png"]


def test_scores_of_weights_that_are_gone_are_outdated(tmp_path: Path) -> None:
    """The run went on after it was measured; scores that name no weights are left alone."""
    folder = make_run(tmp_path / "run", scores=usual_scores())
    assert not read_run(folder.path).outdated
    folder.backbone.write_bytes(b"weights")
    assert not read_run(folder.path).outdated
    protocol = {"weights": weights_of(folder)}
    write_result(folder.evaluation("one"), usual_scores(), protocol)
    assert not read_run(folder.path).outdated
    folder.backbone.write_bytes(b"others")
    assert read_run(folder.path).outdated


def test_without_a_backbone_the_newest_checkpoint_counts(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", scores=usual_scores())
    assert weights_of(folder) == ""
    folder.checkpoints.mkdir()
    (folder.checkpoints / "LATEST").write_text("step-00000003\n")
    assert weights_of(folder) == "step-00000003"


def test_nothing_but_run_json_is_needed(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run")
    for file in folder.path.rglob("*"):
        if file.is_file() and file.name != "run.json":
            file.unlink()
    run = read_run(folder.path)
    assert (run.records, run.scores, run.remarks) == ([], [], [])
    assert run.embedding is None


def test_a_cut_last_line_is_no_damage(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run")
    atomic.append(folder.metrics, b'{"step": 61, "lo')
    run = read_run(folder.path)
    assert len(run.records) == 60
    assert run.remarks == []


@pytest.mark.parametrize("text", ["[1]", "{", "[" * 100_000, '{"a": "' + "x" * (9 << 20) + '"}'])
def test_damage_is_a_remark(tmp_path: Path, text: str) -> None:
    folder = make_run(tmp_path / "run")
    folder.environment.write_text(text, encoding="utf-8")
    run = read_run(folder.path)
    assert run.environment == {}
    assert len(run.remarks) == 1
    assert run.remarks[0].startswith("environment.json")


def test_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError):
        read_run(tmp_path)


def test_series_leaves_out_what_is_no_number() -> None:
    found = [
        {"epoch": 1, "loss": 2.0},
        {"epoch": 2, "loss": None, "loss_is": "nan"},
        {"epoch": 3, "loss": "high"},
        {"epoch": 4, "loss": True},
        {"loss": 1.0},
        {"step": 5, "loss": 1.5},
    ]
    assert series(found, "loss") == ([1.0, 5.0], [2.0, 1.5])


def test_integers_without_end_are_no_numbers() -> None:
    assert is_finite(3)
    assert not is_finite(10**400)
    assert series([{"epoch": 1, "loss": 10**400}], "loss") == ([], [])


def test_the_embedding_of_the_newest_evaluation_counts(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", scores=usual_scores())
    make_embedding(folder.path / "embed" / "x", n=30)
    found = read_run(folder.path).embedding
    assert found is not None
    assert len(found.map) == 30
    make_embedding(folder.evaluation("one") / "embedding", n=40)
    found = read_run(folder.path).embedding
    assert found is not None
    assert len(found.map) == 40


@pytest.mark.parametrize("file", ["embeddings.npz", "index.csv", "embed.json"])
def test_a_cut_embedding_is_a_remark(tmp_path: Path, file: str) -> None:
    folder = make_run(tmp_path / "run", scores=usual_scores())
    place = make_embedding(folder.evaluation("one") / "embedding")
    whole = (place / file).read_bytes()
    (place / file).write_bytes(whole[: len(whole) // 2])
    run = read_run(folder.path)
    assert run.embedding is None
    assert run.remarks[0].startswith("embedding cannot be read")
