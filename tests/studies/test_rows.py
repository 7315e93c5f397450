from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from presight.errors import IntegrityError
from presight.studies.rows import packed, read_row, table, unpacked, write_row, write_table

from .making import rows


def test_a_row_is_read_as_it_was_written(tmp_path: Path) -> None:
    (row, *_) = rows({("none", "frozen"): [0.3, 0.4, 0.5, 0.6, 0.7]}, seeds=1)
    write_row(tmp_path / "a.json", row)
    assert read_row(tmp_path / "a.json") == row


def test_influences_of_any_kind_are_kept() -> None:
    for values in (np.array([0.0, 1.0, 1.0]), np.random.default_rng(0).normal(size=100)):
        assert unpacked(packed(values), len(values)) == pytest.approx(values, rel=1e-6)


def test_a_row_of_answers_is_small(tmp_path: Path) -> None:
    (row, *_) = rows({("none", "frozen"): [0.3, 0.4, 0.5, 0.6, 0.7]}, seeds=1)
    write_row(tmp_path / "a.json", row)
    assert (tmp_path / "a.json").stat().st_size < 2000


@pytest.mark.parametrize("cut", range(0, 100, 7))
def test_a_cut_row_is_measured_again_and_not_believed(tmp_path: Path, cut: int) -> None:
    (row, *_) = rows({("none", "frozen"): [0.3, 0.4, 0.5, 0.6, 0.7]}, seeds=1)
    path = tmp_path / "a.json"
    write_row(path, row)
    text = path.read_text()
    path.write_text(text[: len(text) * cut // 100])
    with pytest.raises(IntegrityError, match="delete it"):
        read_row(path)


@pytest.mark.parametrize(
    ("name", "value"),
    [("layout", 9), ("n_test", 3), ("cell", None), ("influences", {"accuracy": "é"})],
)
def test_an_odd_row_is_refused(tmp_path: Path, name: str, value: object) -> None:
    (row, *_) = rows({("none", "frozen"): [0.3, 0.4, 0.5, 0.6, 0.7]}, seeds=1)
    path = tmp_path / "a.json"
    write_row(path, row)
    path.write_text(json.dumps({**json.loads(path.read_text()), name: value}))
    with pytest.raises(IntegrityError):
        read_row(path)


def test_the_table_has_a_line_for_each_metric(tmp_path: Path) -> None:
    found = rows({("none", "frozen"): [0.3, 0.4, 0.5, 0.6, 0.7]}, seeds=2)
    write_table(tmp_path / "results.csv", found)
    with (tmp_path / "results.csv").open() as file:
        read = list(csv.DictReader(file))
    assert len(read) == len(table(found)) == 10
    assert float(read[0]["value"]) == found[0].values["accuracy"]
