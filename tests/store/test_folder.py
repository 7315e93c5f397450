import json
import os
import shutil

import pytest

from presight.errors import IntegrityError, RunError
from presight.store import atomic
from presight.store.faults import Dead, fault
from presight.store.folder import LAYOUT, RunFolder, utc


@pytest.fixture
def run(tmp_path):
    return RunFolder(tmp_path / "runs" / "a").create(["presight", "pretrain", "photos/"])


def test_a_new_run_says_what_it_is(run):
    told = json.loads(run.run_file.read_text())
    assert told["layout"] == LAYOUT == 1
    assert told["status"] == "running" == run.status
    assert told["command"] == ["presight", "pretrain", "photos/"]
    assert told["pids"] == [os.getpid()]
    assert told["created"].endswith("Z")
    assert run.exists
    assert RunFolder(run.path).open().info() == told


def test_no_credentials_and_no_names_of_machines_or_people(tmp_path):
    run = RunFolder(tmp_path / "a").create(["presight", "https://user:secret@host/x", "a@b"])
    text = run.run_file.read_text()
    assert "secret" not in text
    assert "https://host/x" in text
    assert "a@b" in text
    assert len(json.loads(text)["host"]) == 16


def test_the_state_is_updated(run):
    run.update("interrupted", step=12)
    assert run.status == "interrupted"
    assert run.info()["step"] == 12
    assert run.info()["pids"] == [os.getpid()]
    assert run.untouched()


def test_a_finished_run_is_in_the_way(run):
    run.update("done")
    form = (
        rf"{run.path} holds a finished run\. Continue: .*--epochs 400.* · new: --out "
        rf"{run.path}2 · replace: --overwrite \(moves it aside\)"
    )
    with pytest.raises(RunError, match=form):
        RunFolder(run.path).create()
    assert not (run.path.parent / "a2").exists()


def test_an_unfinished_run_is_in_the_way(run):
    with pytest.raises(RunError, match="same command goes on"):
        RunFolder(run.path).create()


def test_overwriting_moves_aside_and_loses_nothing(run):
    atomic.write_text(run.config, "a: 1\n")
    for _ in range(2):
        RunFolder(run.path).create(overwrite=True)
        assert not run.config.exists()
    names = sorted(p.name for p in run.path.parent.iterdir())
    assert len(names) == 3
    assert names[0] == "a"
    assert all(name.startswith("a.old-2") for name in names[1:])
    kept = [p for p in run.path.parent.iterdir() if (p / "config.yaml").exists()]
    assert len(kept) == 1


def test_overwriting_a_run_that_is_being_written_is_refused(run):
    with run.lock(), pytest.raises(RunError, match="is being written by pid"):
        RunFolder(run.path).create(overwrite=True)
    assert run.exists


def test_files_of_somebody_else_are_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(RunError, match=r"1 files that are no run's, thesis\.tex"):
        RunFolder(tmp_path).create()
    (tmp_path / "file").write_text("x")
    with pytest.raises(RunError, match="A folder was expected"):
        RunFolder(tmp_path / "file").create()


def test_a_folder_that_cannot_be_made_fails_at_once(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(RunError, match="cannot write"):
        RunFolder(tmp_path / "file" / "a").lock()
    with fault("mkdir", 1), pytest.raises(RunError, match="is full"):
        RunFolder(tmp_path / "b").lock()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write all")
def test_a_folder_without_permission_fails_at_once(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(RunError, match="cannot write"):
            RunFolder(tmp_path / "a").lock()
    finally:
        tmp_path.chmod(0o700)


def test_a_kill_at_any_moment_of_the_start_leaves_a_folder_that_starts(tmp_path):
    for nth in range(1, 100):
        run = RunFolder(tmp_path / str(nth))
        try:
            with fault("any", nth, "die") as planned, run.lock():
                run.create()
        except Dead:
            pass
        with run.lock():
            atomic.sweep(run.path)
            if not run.exists:
                run.create()
            assert run.open().status == "running"
        if not planned.fired:
            assert nth > 8
            break


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "{}", '{"layout": "1"}', "\x00", '{"layout": 1}' * 2]
)
def test_a_damaged_run_file_is_named(run, text):
    run.run_file.write_text(text)
    with pytest.raises(IntegrityError, match=r"run\.json is damaged"):
        run.open()


def test_bytes_that_are_no_text_are_damage(run):
    run.run_file.write_bytes(b"\xff\xfe\xff")
    with pytest.raises(IntegrityError, match="damaged"):
        run.open()


def test_taking_the_lock_sweeps_what_a_kill_left(run):
    with fault("rename", 1, "die"), pytest.raises(Dead):
        atomic.write_text(run.config, "a: 1")
    with run.lock() as lock:
        assert lock.notes == ["removed 1 unfinished files that a killed run left."]
        assert not [p for p in run.path.rglob("*") if atomic.is_temporary(p.name)]


def test_a_sweep_that_fails_gives_the_lock_back(run):
    with fault("rename", 1, "die"), pytest.raises(Dead):
        atomic.write_text(run.config, "a: 1")
    with fault("unlink", 1), pytest.raises(RunError):
        run.lock()
    run.lock().release()


def test_an_unknown_state_is_damage(run):
    atomic.write_json(run.run_file, {**run.info(), "status": "well"})
    with pytest.raises(IntegrityError, match="well"):
        _ = run.status


def test_a_newer_layout_is_refused_with_both_versions(run):
    atomic.write_json(run.run_file, {**run.info(), "layout": 2, "presight": "9.9"})
    with pytest.raises(RunError, match=r"written by presight 9\.9 \(layout 2\), this is"):
        run.open()


def test_no_run_is_said(tmp_path):
    assert not RunFolder(tmp_path).exists
    with pytest.raises(RunError, match="holds no run"):
        RunFolder(tmp_path).open()


def test_a_moved_or_copied_folder_opens(run, tmp_path):
    run.update("done")
    shutil.copytree(run.path, tmp_path / "copy")
    run.path.rename(tmp_path / "moved ünd so")
    for name in ("copy", "moved ünd so"):
        assert RunFolder(tmp_path / name).open().status == "done"


@pytest.mark.parametrize("name", ["../x", "/abs", "C:\\x", "a\0b", "", ".", "..", "a/b", "-x"])
def test_evaluations_stay_inside(run, name):
    with pytest.raises(RunError, match="evaluation name"):
        run.evaluation(name)


def test_names_inside_are_those_of_the_layout(run):
    inside = {
        name: str(path.relative_to(run.path)) for name, path in vars(run).items() if name != "path"
    }
    assert inside == {
        "run_file": "run.json",
        "config": "config.yaml",
        "environment": "environment.json",
        "plugin": "plugin.py",
        "data": "data.json",
        "skipped": "skipped.csv",
        "metrics": "metrics.jsonl",
        "events": "events.jsonl",
        "logs": "logs",
        "checkpoints": "checkpoints",
        "backbone": "backbone.safetensors",
        "card": "README.md",
        "evaluations": "eval",
        "figures": "figures",
        "debug": "debug",
        "report": "report.html",
        "manifest": "MANIFEST.json",
    }
    assert run.evaluation("knn-1") == run.path / "eval" / "knn-1"
    assert run.log().name == "main.log"
    assert run.log(2).name == "rank-2.log"


def test_times_are_utc():
    assert utc(0) == "1970-01-01T00:00:00Z"
