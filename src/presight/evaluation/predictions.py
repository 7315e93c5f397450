"""What was answered to each test image: all answers as arrays, the last ones as a table."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np

from presight.evaluation.protocol import Measurement
from presight.store import atomic

FILE = "predictions.csv"
ARRAYS = "predictions.npz"


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


def write_arrays(folder: Path, found: Measurement) -> Path:
    """Write `predictions.npz`: every answer to every test image, without objects.

    It holds identity, label and classes, and for each row, protocol, number of labels and label
    seed an int32 array named like `pretrained/linear/200/1`; labels and answers count in `classes`.

    Args:
        folder: of the evaluation.
        found: what was measured.
    """
    split = found.division
    held = {
        "identity": np.array(split.test.names(split.test_rows), dtype=np.str_),
        "label": split.test_labels.numpy().astype(np.int32),
        "classes": np.array(split.train.classes, dtype=np.str_),
    }
    for key, answers in found.predictions.items():
        held["/".join(map(str, key))] = answers.numpy().astype(np.int32)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **held)
    atomic.make_folder(folder)
    path = folder / ARRAYS
    atomic.write_bytes(path, buffer.getvalue())
    return path
