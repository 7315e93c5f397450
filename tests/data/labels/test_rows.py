from __future__ import annotations

from pathlib import Path

import numpy as np

from data.labels.making import images, stored
from presight.data.labels.annotated import Names
from presight.data.labels.problems import Problem
from presight.data.labels.rows import image_name, named_rows, numbers
from presight.data.table import Row


def test_rows_come_with_their_images_or_are_told(tmp_path: Path) -> None:
    names, problems = Names(stored(images(tmp_path))), list[Problem]()
    rows = [
        Row(2, {"image": "1.png"}, True),
        Row(3, {"image": "7.png"}, True),
        Row(4, {"image": "0.png"}, False),
    ]
    found = list(named_rows(Path("far/t.csv"), rows, names, problems))
    assert found == [(1, rows[0], "t.csv, line 2")]
    assert [problem.place for problem in problems] == ["t.csv, line 3", "t.csv, line 4"]
    assert image_name(rows[1]) == "7.png"
    assert image_name(Row(2, {"other": "x"}, True)) == ""


def test_numbers_of_a_row() -> None:
    row = Row(2, {"a": "1.5", "b": "", "c": "x"}, True)
    np.testing.assert_array_equal(numbers(row, ["a", "b"]), [1.5, np.nan])  # type: ignore[arg-type]
    assert numbers(row, ["a", "c"]) is None
