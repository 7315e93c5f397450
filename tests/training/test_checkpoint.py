import itertools
import json
import os
import random
import shutil
import stat
import subprocess
import sys
from contextlib import suppress

import pytest
import torch

from presight.errors import IntegrityError, RunError, UsageError
from presight.store import atomic, primitives
from presight.store.faults import Dead, fault
from presight.store.tensors import encode
from presight.training.checkpoint import Checkpoints, exact


def groups(step):
    weights = torch.full((40,), float(step))
    return {"model": {"w": weights}, "method": {"queue": -weights}, "optim": {"m": weights + 1}}


def state(step):
    return {"seed": 3, "third": step / 3, "window": [float("nan"), -0.0, float("-inf")]}


def save(checkpoints, step):
    return checkpoints.save(step, groups(step), state(step))


def save_in_place(checkpoints, step):
    """What must not be done: one folder, its files overwritten where they are."""
    folder = checkpoints.folder / "step-00000001"
    for name, tensors in groups(step).items():
        path = folder / f"{name}.safetensors"
        path.write_bytes(b"")
        atomic.append(path, encode(tensors))
    (folder / "state.json").write_bytes(b"")
    content = {"layout": 1, "step": 1, "state": exact(state(step))}
    atomic.append(folder / "state.json", json.dumps(content).encode())
    from presight.store import integrity

    integrity.seal(folder, [p.name for p in folder.iterdir() if p.name != "MANIFEST.json"])


def check(snapshot):
    """All of a snapshot is of one and the same step."""
    told = snapshot.state["third"] * 3
    for name, tensors in groups(round(told)).items():
        for key, value in tensors.items():
            assert torch.equal(snapshot.tensors(name)[key], value)
    return round(told)


@pytest.fixture(autouse=True)
def quick_disk(monkeypatch):
    """Nothing waits for the disk here; the calls are counted all the same."""
    monkeypatch.setattr(primitives.os, "fsync", lambda handle: None)


@pytest.fixture
def checkpoints(tmp_path):
    return Checkpoints(tmp_path / "checkpoints", keep=2)


def test_what_is_saved_comes_back_bit_for_bit(checkpoints):
    assert checkpoints.latest() is None
    folder = save(checkpoints, 12)
    snapshot = checkpoints.latest()
    assert (snapshot.step, snapshot.folder, snapshot.notes) == (12, folder, ())
    assert folder.name == "step-00000012"
    assert sorted(snapshot.groups) == ["method", "model", "optim"]
    assert check(snapshot) == 12
    assert repr(snapshot.state) == repr(state(12))
    names = sorted(p.name for p in folder.iterdir())
    assert names[0] == "MANIFEST.json"
    assert names[1:] == [f"{g}.safetensors" for g in sorted(groups(1))] + ["state.json"]
    with pytest.raises(RunError, match="no group 'other'"):
        snapshot.tensors("other")


def test_the_newest_are_kept_by_step_and_not_by_time(checkpoints):
    for step in (1, 2, 3, 10):
        folder = save(checkpoints, step)
        os.utime(folder, (1e9 - step, 1e9 - step))
    assert checkpoints.steps() == [3, 10]
    assert checkpoints.latest().step == 10
    assert (checkpoints.folder / "LATEST").read_text() == "step-00000010\n"
    (checkpoints.folder / "LATEST").write_text("step-00000003\n")
    assert checkpoints.latest().step == 10
    with pytest.raises(UsageError, match="--keep 0"):
        Checkpoints(checkpoints.folder, 0)


def test_large_steps_sort_as_numbers(checkpoints):
    save(checkpoints, 99_999_999)
    save(checkpoints, 100_000_000)
    assert checkpoints.latest().step == 100_000_000


def interrupted(tmp_path, action, keep, saver):
    """Interrupt the second save at every primitive; how many latest() calls found nothing sound."""
    lost = 0
    for nth in itertools.count(1):
        checkpoints = Checkpoints(tmp_path / str(nth), keep)
        save(checkpoints, 1)
        with fault("any", nth, action) as planned, suppress(RunError, Dead):
            saver(checkpoints)
        try:
            assert check(checkpoints.latest()) in (1, 2)
        except IntegrityError:
            lost += 1
        else:
            atomic.sweep(checkpoints.folder)
            assert check(checkpoints.latest()) in (1, 2)
            left = [p.name for p in checkpoints.folder.iterdir() if atomic.is_temporary(p.name)]
            assert left == []
            save(checkpoints, 3)
            assert check(checkpoints.latest()) == 3
        shutil.rmtree(checkpoints.folder)
        if not planned.fired:
            assert nth > 10
            return lost
    raise AssertionError


@pytest.mark.parametrize("action", ["raise", "die"])
@pytest.mark.parametrize("keep", [1, 3])
def test_a_save_cut_at_any_moment_leaves_a_sound_checkpoint(tmp_path, action, keep):
    assert interrupted(tmp_path, action, keep, lambda c: save(c, 2)) == 0


@pytest.mark.parametrize("action", ["raise", "die"])
def test_a_save_of_the_same_step_cut_at_any_moment_leaves_a_sound_checkpoint(tmp_path, action):
    def again(checkpoints):
        checkpoints.save(1, groups(2), state(2))

    assert interrupted(tmp_path, action, 1, again) == 0


def test_overwriting_in_place_fails_the_same_test(tmp_path):
    assert interrupted(tmp_path, "die", 1, lambda c: save_in_place(c, 2)) > 5


KILLED = """
import sys
import torch
from pathlib import Path
from presight.training.checkpoint import Checkpoints
checkpoints = Checkpoints(Path(sys.argv[1]), 1)
for step in range(1, 9):
    w = torch.full((40,), float(step))
    checkpoints.save(
        step, {"model": {"w": w}, "method": {"queue": -w}, "optim": {"m": w + 1}},
        {"third": step / 3},
    )
"""


PLANS = ["rename:17", "unlink:4", "fsync:31", "write:13", "mkdir:5"]


@pytest.mark.parametrize(
    "plan", ["any:60", *(pytest.param(plan, marks=pytest.mark.slow) for plan in PLANS)]
)
def test_a_killed_process_leaves_a_sound_checkpoint(tmp_path, plan):
    child = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path)],
        env={**os.environ, "PRESIGHT_FAULT": plan},
        timeout=120,
        check=False,
    )
    assert child.returncode == 137
    atomic.sweep(tmp_path)
    assert check(Checkpoints(tmp_path).latest()) >= 1
    assert not [p for p in tmp_path.rglob("*") if atomic.is_temporary(p.name)]


FILES = [
    "model.safetensors",
    "method.safetensors",
    "optim.safetensors",
    "state.json",
    "MANIFEST.json",
]


@pytest.mark.parametrize("name", FILES)
def test_damage_is_passed_over_and_named(checkpoints, name):
    save(checkpoints, 1)
    path = save(checkpoints, 2) / name
    data = path.read_bytes()
    dice = random.Random(name)
    damaged = [data[: int(share * len(data))] for share in (0, 0.01, 0.5, 0.999)] + [data[:-1]]
    for _ in range(50):
        flipped = bytearray(data)
        flipped[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
        damaged.append(bytes(flipped))
    for content in damaged:
        path.write_bytes(content)
        snapshot = checkpoints.latest()
        assert check(snapshot) == 1
        assert len(snapshot.notes) == 1
        assert "step-00000002 is damaged and was passed over" in snapshot.notes[0]
    path.unlink()
    snapshot = checkpoints.latest()
    assert check(snapshot) == 1
    assert f"{name} (" in snapshot.notes[0]


def test_if_none_is_sound_nothing_is_guessed(checkpoints):
    for step in (1, 2):
        (save(checkpoints, step) / "state.json").unlink()
    with pytest.raises(IntegrityError, match=r"none of the 2 .*state\.json .*missing"):
        checkpoints.latest()


def test_going_on_from_an_older_one_sets_the_damaged_aside(checkpoints):
    for step in (1, 2):
        folder = save(checkpoints, step)
    (folder / "model.safetensors").write_bytes(b"")
    assert checkpoints.latest().step == 1
    checkpoints.save(1, groups(1), state(1))
    assert checkpoints.steps() == [1]
    assert checkpoints.latest().notes == ()
    assert (checkpoints.folder / "step-00000002.passed-over" / "state.json").exists()


def test_a_folder_renamed_to_another_step_is_not_believed(checkpoints):
    save(checkpoints, 1)
    shutil.copytree(checkpoints.folder / "step-00000001", checkpoints.folder / "step-00000009")
    snapshot = checkpoints.latest()
    assert snapshot.step == 1
    assert "it is not the state of step 9" in snapshot.notes[0]


def test_strange_names_are_no_checkpoints(checkpoints):
    save(checkpoints, 1)
    for name in ("step-2", "step-0000000x", "step-00000009.old", "other"):
        shutil.copytree(checkpoints.folder / "step-00000001", checkpoints.folder / name)
    (checkpoints.folder / "step-00000007").write_text("a file")
    assert checkpoints.steps() == [1]


def test_a_newer_layout_is_refused_and_not_passed_over(checkpoints):
    from presight.store import integrity

    save(checkpoints, 1)
    folder = save(checkpoints, 2)
    (folder / "state.json").write_text('{"layout": 2, "shape": "unknown here"}')
    integrity.seal(folder, FILES[:-1])
    with pytest.raises(RunError, match="newer presight"):
        checkpoints.latest()


def test_a_full_disk_is_said_before_anything_is_written(checkpoints, monkeypatch):
    save(checkpoints, 1)
    before = sorted(checkpoints.folder.rglob("*"))
    monkeypatch.setattr(primitives, "free_bytes", lambda folder: 400_000)
    with pytest.raises(RunError, match=r"needs 1\.0 MB, free 0\.4 MB"):
        save(checkpoints, 2)
    assert sorted(checkpoints.folder.rglob("*")) == before
    monkeypatch.undo()
    save(checkpoints, 2)
    assert check(checkpoints.latest()) == 2


def test_what_is_needed_grows_with_the_tensors(checkpoints, monkeypatch):
    monkeypatch.setattr(primitives, "free_bytes", lambda folder: 1_900_000)
    with pytest.raises(RunError, match=r"needs 5\.0 MB"):
        checkpoints.save(1, {"model": {"w": torch.zeros(1_000_000)}}, {})


def test_modes_follow_the_umask(checkpoints):
    before = os.umask(0o022)
    try:
        folder = save(checkpoints, 1)
    finally:
        os.umask(before)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755
    assert {stat.S_IMODE(p.stat().st_mode) for p in folder.iterdir()} == {0o644}


def test_a_moved_run_goes_on(checkpoints, tmp_path):
    save(checkpoints, 1)
    checkpoints.folder.rename(tmp_path / "elsewhere")
    assert check(Checkpoints(tmp_path / "elsewhere").latest()) == 1


@pytest.mark.parametrize("name", ["../x", "a/b", "", "Model", ".."])
def test_groups_are_plain_words(checkpoints, name):
    with pytest.raises(ValueError, match="lower-case word"):
        checkpoints.save(1, {name: {}}, {})
    assert checkpoints.latest() is None
    assert list(checkpoints.folder.iterdir()) == []


@pytest.mark.parametrize("value", [{1: 2}, {"a": {2, 3}}, torch.ones(1), b"x", {"__float__": "x"}])
def test_state_that_json_would_change_is_refused(value):
    with pytest.raises(TypeError):
        exact(value)


def test_floats_come_back_bit_for_bit(checkpoints):
    dice = random.Random(0)
    values = [dice.uniform(-1, 1) * 10 ** dice.randint(-300, 300) for _ in range(200)]
    checkpoints.save(1, {}, {"values": values, "big": 2**200})
    told = checkpoints.latest().state
    assert [v.hex() for v in told["values"]] == [v.hex() for v in values]
    assert told["big"] == 2**200


def test_two_hundred_saves_in_a_row_leave_what_is_kept(checkpoints):
    for step in range(1, 201):
        checkpoints.save(step, {"model": {"w": torch.ones(2)}}, {})
    names = sorted(p.name for p in checkpoints.folder.iterdir())
    assert names == ["LATEST", "step-00000199", "step-00000200"]
