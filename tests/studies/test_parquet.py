from __future__ import annotations

import dataclasses
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from presight.studies.cells import Row
from presight.studies.parquet import write_parquet
from presight.studies.rows import packed, table, unpacked
from studies.making import rows


def some() -> list[Row]:
    """Rows with two metrics, of few test images."""
    found = rows({("none", "finetune"): (0.5, 0.6)}, labels=(50, 100), seeds=2)
    generator = np.random.default_rng(0)
    made = []
    for row in found:
        words = {name: packed(generator.random(5)) for name in ("accuracy", "per class")}
        values = {name: float(unpacked(word, 5).mean()) for name, word in words.items()}
        made.append(dataclasses.replace(row, influences=words, values=values, n_test=5))
    return made


def names(row: Row) -> list[str]:
    return [f"{row.cell.task}/{at}\udc80.png" for at in range(row.n_test)]


def test_the_table_is_the_csvs(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    made = some()
    write_parquet(tmp_path, made, names)
    assert parquet.read_table(tmp_path / "results.parquet").to_pylist() == table(made)


def test_parts_by_image_have_the_scores_as_their_means(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    made = some()
    write_parquet(tmp_path, made, names)
    found: list[dict[str, Any]] = parquet.read_table(
        tmp_path / "results-by-image.parquet"
    ).to_pylist()
    assert len(found) == 4 * 2 * 5
    for row in made:
        cell = row.cell
        for metric, value in row.values.items():
            own = [
                one for one in found
                if (one["n_labels"], one["seed"], one["metric"])
                == (cell.n_labels, cell.seed, metric)
            ]  # fmt: skip
            assert np.mean([one["influence"] for one in own]) == pytest.approx(value)
            assert [one["image"].split("/")[1][0] for one in own] == list("01234")
            assert {one["method"] for one in own} == {"none"}


def test_without_pyarrow_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert write_parquet(tmp_path, some(), names) == []
    assert list(tmp_path.iterdir()) == []
