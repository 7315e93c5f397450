import random
import shutil

import pytest
import torch

from presight.errors import RunError
from presight.store import atomic, integrity, records
from presight.store.doctor import inspect_run, seal_run
from presight.store.folder import RunFolder
from presight.store.lock import HEARTBEAT
from presight.store.tensors import encode, save_tensors


def checkpoint(run, step):
    data = encode({"a": torch.arange(50.0)})
    with atomic.new_folder(run.checkpoints / f"step-{step:08d}") as folder:
        for name, content in (("model.safetensors", data), ("state.json", b'{"step": 1}')):
            atomic.write_bytes(folder / name, content)
        integrity.seal(folder, ["model.safetensors", "state.json"])
    atomic.write_text(run.checkpoints / "LATEST", f"step-{step:08d}\n")


@pytest.fixture
def run(tmp_path):
    run = RunFolder(tmp_path / "a").create()
    atomic.write_text(run.config, "method: simclr\n")
    atomic.write_json(run.environment, {"python": "3"})
    atomic.write_json(run.data, {"count": 3})
    atomic.write_text(run.skipped, "path,reason\n")
    for step in range(3):
        records.append(run.metrics, {"step": step, "loss": 1.0})
        records.append(run.events, {"event": "resumed"})
    atomic.make_folder(run.checkpoints)
    checkpoint(run, 1)
    checkpoint(run, 2)
    save_tensors(run.backbone, {"a": torch.ones(3)}, {"name": "resnet9"})
    atomic.write_text(run.card, "# card\n")
    run.update("done")
    seal_run(run)
    return run


def broken(run):
    return [found.path for found in inspect_run(run) if found.broken]


def kinds(run):
    return {found.path: found.kind for found in inspect_run(run)}


def found_or_refused(run):
    """A flipped bit in the layout's number reads as a newer version: refused, which is as good."""
    try:
        return broken(run)
    except RunError as error:
        return "layout" in str(error)


SEALED = [
    "run.json",
    "config.yaml",
    "environment.json",
    "data.json",
    "skipped.csv",
    "metrics.jsonl",
    "backbone.safetensors",
    "README.md",
    "MANIFEST.json",
    "checkpoints/step-00000001/model.safetensors",
    "checkpoints/step-00000002/state.json",
    "checkpoints/step-00000002/MANIFEST.json",
]


def test_a_sound_run_has_no_findings(run, tmp_path):
    assert inspect_run(run) == []
    run.path.rename(tmp_path / "moved")
    assert inspect_run(tmp_path / "moved") == []


@pytest.mark.parametrize("name", SEALED)
def test_flipped_bits_cuts_and_losses_are_found_and_named(run, name):
    path = run.path / name
    data = path.read_bytes()
    dice = random.Random(name)
    for _ in range(12):
        flipped = bytearray(data)
        flipped[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
        path.write_bytes(flipped)
        assert found_or_refused(run)
    for size in {0, len(data) // 100, len(data) // 2, int(0.999 * len(data)), len(data) - 2}:
        path.write_bytes(data[:size])
        assert name in broken(run)
    path.unlink()
    if name == "MANIFEST.json":
        assert kinds(run) == {"MANIFEST.json": "note"}
    else:
        assert name in broken(run)


def test_a_run_that_goes_on_has_no_checksums_of_its_own_files(run):
    assert run.manifest.exists()
    run.update("running")
    run.update("running")
    atomic.write_text(run.config, "method: other\n")
    assert kinds(run) == {"MANIFEST.json": "note"}
    run.backbone.write_bytes(b"x")
    run.environment.write_bytes(b"{")
    assert broken(run) == ["environment.json", "backbone.safetensors"]


def test_what_a_kill_leaves_is_said_and_is_no_damage(run):
    run.update("running")
    with open(run.metrics, "ab") as file:
        file.write(b'{"step": 3, "lo')
    name = f".presight-{atomic.host_hash()}-{2**22 + 1}-00000000.tmp"
    (run.path / name).write_text("")
    (run.checkpoints / name).mkdir()
    told = '{"pid": 4194305, "host": "n12", "since": 0, "token": "x"}'
    (run.path / HEARTBEAT).write_text(told)
    (run.path / "thesis.tex").write_text("")
    (run.checkpoints / "step-00000002" / "stranger").write_text("")
    assert kinds(run) == {
        "metrics.jsonl": "cut",
        name: "temporary",
        f"checkpoints/{name}": "temporary",
        HEARTBEAT: "note",
        "thesis.tex": "extra",
        "checkpoints/step-00000002/stranger": "extra",
        "MANIFEST.json": "note",
    }
    assert broken(run) == []
    records.append(run.metrics, {"step": 3})
    assert kinds(run)["metrics.jsonl"] == "cut"


def test_lines_that_were_not_cut_are_damage(run):
    with open(run.events, "ab") as file:
        file.write(b"nonsense\n")
    assert broken(run) == ["events.jsonl"]


@pytest.mark.parametrize("text", ["step-00000001\n", "", "../../etc", "\xff"])
def test_the_pointer_to_the_newest_is_a_hint_only(run, text):
    (run.checkpoints / "LATEST").write_text(text, encoding="latin-1")
    assert kinds(run) == {"checkpoints/LATEST": "note"}
    (run.checkpoints / "LATEST").unlink()
    assert kinds(run) == {"checkpoints/LATEST": "note"}


def test_evaluations_are_looked_at(run):
    folder = run.evaluation("knn")
    atomic.make_folder(folder)
    atomic.write_json(folder / "result.json", {"accuracy": 0.5})
    assert inspect_run(run) == []
    integrity.seal(folder, ["result.json"])
    atomic.write_json(folder / "result.json", {"accuracy": 0.9})
    assert broken(run) == ["eval/knn/result.json"]
    (folder / "MANIFEST.json").unlink()
    (folder / "result.json").write_text("{")
    assert broken(run) == ["eval/knn/result.json"]


def test_no_run_is_said(tmp_path):
    for path in (tmp_path, tmp_path / "no"):
        with pytest.raises(RunError, match="holds no run"):
            inspect_run(path)


def test_looking_changes_nothing(run):
    shutil.rmtree(run.checkpoints / "step-00000001")
    before = {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in run.path.rglob("*")}
    inspect_run(run)
    assert before == {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in run.path.rglob("*")}
