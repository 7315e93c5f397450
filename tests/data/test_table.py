from __future__ import annotations

from pathlib import Path

import pytest

from data.making import write
from presight.data.table import read_table
from presight.errors import DataError


def test_rows_know_their_lines_and_whether_they_are_whole(tmp_path: Path) -> None:
    text = '\ufeffpath, label\na.png , cat\n"b\n.png",dog\nc.png\nd.png,x,y\n'
    rows = read_table(write(tmp_path / "t.csv", text.encode()), ("path",), "path,label")
    assert [row.line for row in rows] == [2, 4, 5, 6]
    assert [row.whole for row in rows] == [True, True, False, False]
    assert rows[0].cells == {"path": "a.png", "label": "cat"}
    assert rows[2].cells == {"path": "c.png", "label": ""}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has no rows; expected a header path,label"),
        ("path,label\n", "has no rows"),
        ("name;label\na;b\n", r"no column path \(columns: name;label\); expected path,label"),
        ("path,label,label\na,b,c\n", "the column label twice"),
    ],
)
def test_what_is_no_such_table(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        read_table(write(tmp_path / "t.csv", text.encode()), ("path",), "path,label")


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot read"):
        read_table(tmp_path / "none.csv", ("path",), "path,label")
