import errno
import os

import pytest

from presight.errors import RunError
from presight.store import primitives
from presight.store.faults import fault


@pytest.mark.parametrize(
    ("count", "text"),
    [(1_900_000_000, "1.9 GB"), (400_000_000, "0.4 GB"), (12_000_000, "12.0 MB"), (340, "0.3 kB")],
)
def test_sizes_are_said_as_people_do(count, text):
    assert primitives.human(count) == text


def test_too_little_room_is_said_with_both_numbers(tmp_path, monkeypatch):
    monkeypatch.setattr(primitives, "free_bytes", lambda folder: 400_000_000)
    with pytest.raises(RunError, match=r"needs 1\.9 GB, free 0\.4 GB"):
        primitives.ensure_space(tmp_path, 1_900_000_000)
    primitives.ensure_space(tmp_path, 400_000_000)


def test_free_room_is_known_of_folders_that_are_not_there_yet(tmp_path):
    assert primitives.free_bytes(tmp_path / "a" / "b") > 0


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_is_explained(tmp_path, number):
    with (
        pytest.raises(RunError, match=r"needs 2\.0 GB, free .*Make room"),
        primitives.explained(tmp_path / "x", 2_000_000_000),
    ):
        raise OSError(number, os.strerror(number))


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.EROFS, errno.ESTALE])
def test_a_disk_that_refuses_is_explained(tmp_path, number):
    with pytest.raises(RunError, match=r"cannot write .*--out"), primitives.explained(tmp_path):
        raise OSError(number, os.strerror(number))


def test_large_data_go_out_in_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr(primitives, "_CHUNK", 10)
    handle = primitives.open_file(tmp_path / "x", os.O_WRONLY | os.O_CREAT)
    with fault("write", 3), pytest.raises(OSError, match="No space"):
        primitives.write_all(handle, memoryview(b"a" * 35))
    os.close(handle)
    assert (tmp_path / "x").stat().st_size == 25  # two chunks and half of the third
