import json
import os
from pathlib import Path

import pytest

from presight.store.plain import as_json, finite, read_table

NAN, INFINITY = float("nan"), float("inf")


def test_numbers_that_json_lacks_become_null_and_a_word():
    assert finite({"loss": NAN}) == {"loss": None, "loss_is": "nan"}
    assert finite({"a": {"b": -INFINITY}}) == {"a": {"b": None, "b_is": "-inf"}}
    assert finite([1.0, INFINITY]) == [1.0, "inf"]


def test_everything_else_stays():
    value = {"a": [1, 0.1, None, True, "x", {"b": []}]}
    assert finite(value) == value
    assert json.dumps(finite({"x": (1, 2)}), allow_nan=False) == '{"x": [1, 2]}'


def test_a_file_of_a_table_is_read_and_others_are_refused(tmp_path: Path):
    file = tmp_path / "told.json"
    file.write_text('{"a": [1]}')
    assert read_table(file) == {"a": [1]}
    file.write_text("[1]")
    with pytest.raises(ValueError, match=r"told.json holds no table"):
        read_table(file)
    file.write_bytes(b" " * ((8 << 20) + 1))
    with pytest.raises(ValueError, match=r"told.json is larger than 8 MB"):
        read_table(file)


def test_bytes_of_a_path_that_are_no_utf_8_are_written_and_read_back():
    value = {"path": os.fsdecode(b"ph\xf6tos/\xc3\xbc"), "b": [1.5]}
    for indent in (None, 2):
        text = as_json(value, indent)
        assert "\\udcf6" in text
        assert "ü" in text
        assert json.loads(text.encode("utf-8")) == value
