import json

import pytest

from presight.errors import IntegrityError, RunError
from presight.store import records
from presight.store.faults import fault

ROWS = [{"step": n, "loss": n / 3, "note": "zwölf"} for n in range(5)]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "metrics.jsonl"
    for row in ROWS:
        records.append(path, row)
    return path


def test_what_is_appended_is_read(file):
    assert list(records.read(file)) == ROWS
    assert len(file.read_bytes().splitlines()) == 5


def test_no_file_holds_no_records(tmp_path):
    assert list(records.read(tmp_path / "no")) == []
    assert records.size(tmp_path / "no") == 0
    assert records.terminated(tmp_path / "no")
    records.truncate(tmp_path / "no", 0)


def test_numbers_that_json_lacks(tmp_path):
    records.append(tmp_path / "x", {"loss": float("inf")})
    assert json.loads((tmp_path / "x").read_text()) == {"loss": None, "loss_is": "inf"}


def test_a_cut_at_every_byte_of_the_last_three_lines(file):
    data = file.read_bytes()
    lines = data.splitlines(keepends=True)
    for end in range(len(data) - sum(map(len, lines[-3:])), len(data) + 1):
        file.write_bytes(data[:end])
        whole = data[:end].count(b"\n")
        assert list(records.read(file)) == ROWS[:whole]
        assert records.terminated(file) == (data[:end][-1:] == b"\n")
        records.append(file, {"step": 99})
        # A line that lost only its end of line is whole again.
        healed = ROWS[: whole + (data[end : end + 1] == b"\n")]
        assert list(records.read(file)) == [*healed, {"step": 99}]
        assert records.cut_lines(file) == len(file.read_bytes().splitlines()) - len(healed) - 1


def test_a_write_that_was_cut_does_not_hide_the_next(file):
    with fault("write", 1), pytest.raises(RunError, match="is full"):
        records.append(file, {"step": 5, "loss": 1.0})
    records.append(file, {"step": 6})
    assert list(records.read(file)) == [*ROWS, {"step": 6}]
    assert records.cut_lines(file) == 1


def test_truncating_goes_back_to_a_checkpoint(file):
    offset = records.size(file)
    records.append(file, {"step": 7})
    records.truncate(file, offset)
    assert list(records.read(file)) == ROWS
    records.truncate(file, 10**9)
    assert list(records.read(file)) == ROWS


@pytest.mark.parametrize("line", [b"[1]\n", b"nonsense}\n", b'{"a": 1} {}\n', b"\xff\xfe}\n"])
def test_a_line_that_was_not_cut_but_is_no_object_is_named(file, line):
    with open(file, "ab") as stream:
        stream.write(line)
    with pytest.raises(IntegrityError, match="line 6"):
        list(records.read(file))
