from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from presight.errors import UsageError
from presight.studies.cells import Arm, Cell
from presight.studies.curves import curves_of
from studies.making import LABELS, rows

CURVES = {
    ("a", "frozen"): (0.3, 0.4, 0.5, 0.6, 0.7),
    ("none", "finetune"): (0.1, 0.2, 0.3, 0.4, 0.5),
}


def test_every_curve_has_its_columns() -> None:
    made = rows(CURVES, seeds=2)
    found = curves_of(list(reversed(made)), "accuracy")
    assert sorted(str(arm) for arm, _ in found.curves) == ["a on resnet9:8", "none on resnet9:8"]
    assert (found.labels, found.seeds) == (list(LABELS), [0, 1])
    for number, (arm, mode) in enumerate(found.curves):
        for at, n in enumerate(LABELS):
            for seed in (0, 1):
                (row,) = (r for r in made if r.cell == Cell(arm, mode, n, seed))
                value = found.parts[seed, number * len(LABELS) + at].mean()
                assert value == pytest.approx(row.values["accuracy"], abs=1e-6)


def test_what_is_not_whole_is_left_out() -> None:
    made = rows(CURVES, seeds=3)
    # The third repetition is on its way, maximal supervision and a stage are of one curve only.
    some = [row for row in made if row.cell.seed < 2 or row.cell.n_labels < 100]
    most = dataclasses.replace(made[-1], cell=Cell(Arm("none", "resnet9:8"), "finetune", 9999, 0))
    stage = dataclasses.replace(made[0], cell=dataclasses.replace(made[0].cell, stage=1))
    found, whole = curves_of([*some, most, stage], "accuracy"), curves_of(made, "accuracy")
    assert (found.labels, found.seeds) == (list(LABELS), [0, 1])
    assert np.array_equal(found.parts, whole.parts[:2])
    with pytest.raises(UsageError, match="no repetition"):
        curves_of([stage], "accuracy")
