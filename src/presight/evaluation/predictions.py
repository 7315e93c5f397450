"""What was answered to each test image, as a table that a spreadsheet opens."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from presight.evaluation.protocol import Measurement
from presight.store import atomic

FILE = "predictions.csv"


def write_predictions(folder: Path, found: Measurement) -> Path:
    """Write `predictions.csv`: identity, label, and a column for each row and protocol.

    Answers are those with the most labels; names are written as they are.

    Args:
        folder: of the evaluation.
        found: what was measured.
    """
    split = found.division
    most = max(n for _, _, n, _ in found.predictions)
    columns = {
        f"{row} / {protocol}": answers.tolist()
        for (row, protocol, n, seed), answers in found.predictions.items()
        if n == most and seed == min(s for *_, m, s in found.predictions if m == most)
    }
    classes = split.train.classes
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["identity", "label", *columns])
    labels, names = split.test_labels.tolist(), split.test.names(split.test_rows)
    for at, (name, label) in enumerate(zip(names, labels, strict=True)):
        answers = (classes[column[at]] for column in columns.values())
        table.writerow([name, classes[label], *answers])
    atomic.make_folder(folder)
    path = folder / FILE
    atomic.write_bytes(path, text.getvalue().encode("utf-8", "surrogateescape"))
    return path
