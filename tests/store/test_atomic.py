import itertools
import json
import os
import stat
from contextlib import suppress
from pathlib import Path

import pytest

from presight.errors import RunError
from presight.store import atomic
from presight.store.faults import Dead, fault


def in_place(path: Path, data: bytes) -> None:
    """What writers must not do: empty the file, then fill it."""
    with open(path, "wb") as file:
        file.flush()
        atomic.append(path, data)


def torn_writes(path: Path, write, action: str) -> int:
    """Interrupt a rewrite at every primitive; how often neither content was left."""
    torn = 0
    for nth in itertools.count(1):
        atomic.write_bytes(path, b"old" * 100)
        with fault("any", nth, action) as planned, suppress(RunError, Dead):
            write(path, b"new" * 100)
        torn += path.read_bytes() not in (b"old" * 100, b"new" * 100)
        if not planned.fired:
            assert path.read_bytes() == b"new" * 100
            assert nth > 2
            return torn
    raise AssertionError


@pytest.mark.parametrize("action", ["raise", "die"])
def test_a_file_is_old_or_new_at_every_moment(tmp_path, action):
    assert torn_writes(tmp_path / "x", atomic.write_bytes, action) == 0


@pytest.mark.parametrize("action", ["raise", "die"])
def test_overwriting_in_place_fails_the_same_test(tmp_path, action):
    assert torn_writes(tmp_path / "x", in_place, action) > 0


def test_a_failed_write_leaves_no_temporary_behind_and_a_death_one_for_the_sweep(tmp_path):
    for point in ("open", "write", "fsync", "rename"):
        with fault(point, 1), pytest.raises(RunError, match="is full"):
            atomic.write_text(tmp_path / "x", "new")
        assert list(tmp_path.iterdir()) == []
    with fault("rename", 1, "die"), pytest.raises(Dead):
        atomic.write_text(tmp_path / "x", "new")
    assert len(list(tmp_path.iterdir())) == 1
    assert len(atomic.sweep(tmp_path)) == 1
    assert list(tmp_path.iterdir()) == []


def test_the_folder_is_synchronized_after_the_rename(tmp_path):
    with fault("fsync", 2), pytest.raises(RunError):
        atomic.write_text(tmp_path / "x", "new")
    assert (tmp_path / "x").read_text() == "new"


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o002, 0o664), (0o077, 0o600)])
def test_modes_follow_the_umask(tmp_path, mask, mode):
    before = os.umask(mask)
    try:
        atomic.write_text(tmp_path / "x", "x")
        atomic.append(tmp_path / "y", b"y")
        with atomic.new_folder(tmp_path / "z"):
            pass
    finally:
        os.umask(before)
    for name in "xy":
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == mode
    assert stat.S_IMODE((tmp_path / "z").stat().st_mode) == 0o777 & ~mask


def test_a_device_is_never_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(RunError, match="no regular file"):
        atomic.write_text(tmp_path / "pipe", "x")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_a_missing_or_foreign_folder_is_explained(tmp_path):
    with pytest.raises(RunError, match="cannot write"):
        atomic.write_text(tmp_path / "no" / "x", "x")
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match=r"cannot write|no folder"):
        atomic.make_folder(tmp_path / "file" / "x")
    with pytest.raises(RunError, match="no folder"):
        atomic.make_folder(tmp_path / "file")


def test_json_holds_no_nan(tmp_path):
    atomic.write_json(tmp_path / "x", {"a": float("nan"), "b": "ü"})
    assert json.loads((tmp_path / "x").read_text()) == {"a": None, "a_is": "nan", "b": "ü"}
    assert "ü" in (tmp_path / "x").read_text(encoding="utf-8")


def test_the_sweep_spares_living_writers_and_everything_else(tmp_path):
    host = atomic.host_hash()
    parent = tmp_path / f".presight-{host}-{os.getppid()}-00000000.tmp"
    other = tmp_path / f".presight-{'0' * 16}-1-00000000.tmp"
    old = tmp_path / f".presight-{'0' * 16}-1-00000001.tmp"
    dead = tmp_path / "deep" / f".presight-{host}-{2**22 + 1}-00000000.tmp"
    own = tmp_path / f".presight-{host}-{os.getpid()}-00000000.tmp"
    (tmp_path / "deep").mkdir()
    for path in (parent, other, old, dead, own, tmp_path / ".presight-x.tmp", tmp_path / "x.tmp"):
        path.write_text("")
    os.utime(old, (0, 0))
    assert sorted(atomic.sweep(tmp_path)) == sorted([old, dead, own])
    assert parent.exists()
    assert other.exists()
    assert (tmp_path / "x.tmp").exists()
    with atomic.new_folder(tmp_path / "made") as temporary:
        assert atomic.sweep(tmp_path) == []
        assert temporary.exists()


def test_links_are_removed_and_never_followed(tmp_path):
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "x").write_text("x")
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "link").symlink_to(tmp_path / "precious")
    atomic.remove_tree(tmp_path / "tree")
    assert not (tmp_path / "tree").exists()
    assert (tmp_path / "precious" / "x").exists()


def contents(folder: Path) -> str | None:
    return (folder / "x").read_text() if (folder / "x").exists() else None


@pytest.mark.parametrize("action", ["raise", "die"])
def test_a_folder_is_old_or_new_after_a_sweep_at_every_moment(tmp_path, action):
    final = tmp_path / "final"
    for nth in itertools.count(1):
        with atomic.new_folder(final) as temporary:
            atomic.write_text(temporary / "x", "old")
        with (
            fault("any", nth, action) as planned,
            suppress(RunError, Dead),
            atomic.new_folder(final) as temporary,
        ):
            atomic.write_text(temporary / "x", "new")
        atomic.sweep(tmp_path)
        assert contents(final) in ("old", "new")
        assert [p.name for p in tmp_path.iterdir()] == ["final"]
        if not planned.fired:
            assert contents(final) == "new"
            assert nth > 10
            break


def test_a_folder_is_gone_before_its_files(tmp_path):
    """A folder under its own name is never seen with half of its files."""
    for nth in itertools.count(1):
        with atomic.new_folder(tmp_path / "a") as temporary:
            atomic.write_text(temporary / "x", "x")
            atomic.write_text(temporary / "y", "y")
        with fault("any", nth, "die") as planned, suppress(Dead):
            atomic.discard_folder(tmp_path / "a")
        left = tmp_path / "a"
        assert not left.exists() or len(list(left.iterdir())) == 2
        atomic.sweep(tmp_path)
        if not planned.fired:
            assert not left.exists()
            break


def test_a_block_that_fails_leaves_no_folder(tmp_path):
    with pytest.raises(KeyError), atomic.new_folder(tmp_path / "a"):
        raise KeyError
    assert list(tmp_path.iterdir()) == []


def test_moving_onto_something_is_refused(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with pytest.raises(RunError, match="exists"):
        atomic.move(tmp_path / "a", tmp_path / "b")
    atomic.move(tmp_path / "a", tmp_path / "c")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["b", "c"]


def test_cutting_shortens_and_never_lengthens(tmp_path):
    atomic.append(tmp_path / "x", b"12345")
    atomic.cut(tmp_path / "x", 9)
    assert (tmp_path / "x").read_bytes() == b"12345"
    atomic.cut(tmp_path / "x", 2)
    assert (tmp_path / "x").read_bytes() == b"12"
