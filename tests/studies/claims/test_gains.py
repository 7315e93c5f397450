from __future__ import annotations

import pytest

from presight.studies.claims.gains import Unit, labels, units, worth
from presight.studies.claims.measured import Measured

from .planting import At, study


@pytest.mark.parametrize("doublings", [0.5, 1.0])
def test_planted_utility_is_recovered(doublings: float) -> None:
    """b(n) = a(n 2^d) where scratch rises evenly: worth d doublings of labels."""
    found = [
        worth(held, units(held)).by_unit[Unit("simclr", "resnet9:8", "classification", "")]
        for held in (
            Measured(study(lambda at: at.scratch + 0.08 * doublings * at.pretrained, draw=draw))
            for draw in range(6)
        )
    ]
    held = [one.interval().low <= doublings <= one.interval().high for one in found]
    assert sum(held) >= 4
    assert sum(one.value for one in found) / 6 == pytest.approx(doublings, abs=0.12)


def test_units_reach_from_the_fewest_to_the_most_labels() -> None:
    rows = study(lambda at: at.scratch, methods=("simclr", "rotation", "vae", "none"))
    held = Measured(row for row in rows
                    if (row.cell.arm.method, row.cell.n_labels) != ("vae", 50))  # fmt: skip
    assert [unit.method for unit in units(held)] == ["simclr", "rotation"]
    assert labels(held, units(held)[0]) == [50, 100, 200, 400, 800]


def test_a_number_of_labels_that_one_curve_alone_has_moves_no_end() -> None:
    more = study(lambda at: at.scratch, methods=("vae", "none"), labels=(10, 50, 800, 5000))
    rest = study(lambda at: at.scratch, methods=("simclr", "rotation", "none"))
    held = Measured([*rest, *more])
    assert {unit.method for unit in units(held)} == {"simclr", "rotation", "vae"}
    assert labels(held, units(held)[-1]) == [50, 800]


def test_scratch_that_does_not_rise_has_no_worth() -> None:
    def score(at: At) -> float:
        return 0.4 + 0.1 * at.pretrained

    held = Measured(study(score))
    found = worth(held, units(held))
    assert not found.by_unit
    assert "does not clearly rise" in found.left
