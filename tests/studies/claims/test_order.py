from __future__ import annotations

from presight.studies.claims.order import on_order

from . import verdicts
from .planting import At, study


def test_an_order_that_turns_round_agrees() -> None:
    def score(at: At) -> float:
        best = {"frozen": "simclr", "finetune": "vae"}[at.mode]
        return at.scratch + 0.06 * (at.method == best)

    claim = verdicts.of(on_order, study(score))["probe order"]
    assert claim.verdict == "agrees"
    assert claim.effect is not None
    assert claim.effect.value == -1.0


def test_an_order_that_stays_disagrees() -> None:
    def score(at: At) -> float:
        return at.scratch + 0.06 * ("rotation", "vae", "simclr").index(at.method)

    rows = study(score, methods=("rotation", "vae", "simclr"))
    claim = verdicts.of(on_order, rows)["probe order"]
    assert claim.verdict == "disagrees"
    assert claim.effect is not None
    assert claim.effect.value == 1.0


def test_methods_that_cannot_be_told_apart_leave_it_open() -> None:
    claim = verdicts.of(on_order, study(lambda at: at.scratch))["probe order"]
    assert claim.verdict == "inconclusive"
    assert "Not told apart in both: 1 of" in claim.missing


def test_both_modes_are_needed() -> None:
    rows = study(lambda at: at.scratch, modes=("finetune",))
    assert verdicts.of(on_order, rows)["probe order"].verdict == "not measured"


def test_a_lead_in_one_mode_alone_leaves_it_open() -> None:
    def score(at: At) -> float:
        return at.scratch + 0.08 * (at.method == "simclr" and at.mode == "frozen")

    assert verdicts.of(on_order, study(score))["probe order"].verdict == "inconclusive"


def test_a_pair_that_cannot_be_told_apart_leaves_an_order_open() -> None:
    def score(at: At) -> float:
        return at.scratch + 0.08 * (at.method == "simclr")

    rows = study(score, methods=("simclr", "rotation", "vae"))
    claim = verdicts.of(on_order, rows)["probe order"]
    assert claim.verdict == "inconclusive"
    assert "2 clearly the same" in claim.measured
