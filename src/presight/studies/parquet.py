"""Rows of a study as Parquet files: the table, and every test image's part of every score."""

from __future__ import annotations

import importlib
import importlib.util
import io
from collections.abc import Callable, Sequence
from pathlib import Path

from presight.evaluation.embedding.folder import printable
from presight.store import atomic
from presight.studies.cells import Row
from presight.studies.rows import COLUMNS, table, unpacked

TABLE, BY_IMAGE = "results.parquet", "results-by-image.parquet"
"""Names of the files."""
_NUMBERS = {
    "stage": "int32", "n_labels": "int64", "seed": "int32", "value": "float64", "n_test": "int64",
    "seconds": "float64",
}  # fmt: skip
_OF_CELL = COLUMNS[: COLUMNS.index("metric")]


def write_parquet(
    folder: Path, rows: Sequence[Row], images: Callable[[Row], Sequence[str]]
) -> list[Path]:
    """Write the table, and a record for each cell, metric and test image; none without pyarrow.

    Args:
        folder: of the study.
        rows: all cells.
        images: identities [n_test] of the test images of a row, in the order of its influences.

    Returns:
        The files.
    """
    if not rows or importlib.util.find_spec("pyarrow") is None:
        return []
    arrow, parquet = map(importlib.import_module, ("pyarrow", "pyarrow.parquet"))
    types = {name: getattr(arrow, _NUMBERS.get(name, "string"))() for name in COLUMNS}
    records = [
        {name: printable(value) if isinstance(value, str) else value for name, value in one.items()}
        for one in table(rows)
    ]
    held = io.BytesIO()
    parquet.write_table(arrow.Table.from_pylist(records, arrow.schema(types.items())), held)
    atomic.write_bytes(folder / TABLE, held.getvalue())

    schema = arrow.schema(
        [(name, types[name]) for name in (*_OF_CELL, "metric")]
        + [("image", arrow.string()), ("influence", arrow.float32())]
    )
    held, at = io.BytesIO(), 0
    with parquet.ParquetWriter(held, schema) as writer:
        for row in rows:
            names = [printable(name) for name in images(row)]
            for metric, word in row.influences.items():
                same = [arrow.repeat(arrow.scalar(records[at][name], types[name]), row.n_test)
                        for name in _OF_CELL]  # fmt: skip
                parts = arrow.array(unpacked(word, row.n_test))
                metrics = arrow.repeat(metric, row.n_test)
                columns = [*same, metrics, arrow.array(names, arrow.string()), parts]
                writer.write_table(arrow.table(columns, schema=schema))
            at += len(row.values)
    atomic.write_bytes(folder / BY_IMAGE, held.getvalue())
    return [folder / TABLE, folder / BY_IMAGE]
