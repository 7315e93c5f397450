from __future__ import annotations

import dataclasses

import pytest

from presight.studies.claims.labels import on_labels

from . import verdicts
from .planting import At, study


def fading(at: At) -> float:
    """Ten points with the fewest labels, none with the most."""
    return at.scratch + at.pretrained * (0.10 - 0.025 * at.doublings)


def test_a_gain_that_fades_agrees() -> None:
    found = verdicts.of(on_labels, study(fading, tasks=("classification", "depth"), apart=0.002))
    assert found["gain with few labels"].verdict == "agrees"
    assert found["gain shrinks"].verdict == "agrees"
    assert found["gain vanishes"].verdict == "agrees"
    assert found["gain shrinks anywhere"].verdict == "agrees"
    effect = found["gain with few labels"].effect
    assert effect is not None
    assert effect.value == pytest.approx(0.10, abs=0.02)
    assert effect.low < 0.10 < effect.high
    assert "With 50 labels" in found["gain shrinks"].measured
    assert "with 800 labels" in found["gain shrinks"].measured


def test_a_gain_that_stays_does_not_vanish() -> None:
    found = verdicts.of(on_labels, study(lambda at: at.scratch + 0.1 * at.pretrained))
    assert found["gain with few labels"].verdict == "agrees"
    assert found["gain shrinks"].verdict == "inconclusive"
    assert found["gain vanishes"].verdict == "disagrees"


def test_a_gain_that_grows_disagrees() -> None:
    found = verdicts.of(
        on_labels, study(lambda at: at.scratch + 0.03 * at.pretrained * at.doublings)
    )
    assert found["gain shrinks"].verdict == "disagrees"
    assert found["gain shrinks anywhere"].verdict == "disagrees"
    assert "It grows with" in found["gain shrinks anywhere"].measured


def test_harm_with_few_labels_that_fades_is_no_gain_that_shrinks() -> None:
    found = verdicts.of(
        on_labels, study(lambda at: at.scratch - at.pretrained * (0.1 - 0.025 * at.doublings))
    )
    assert found["gain with few labels"].verdict == "disagrees"
    assert found["gain shrinks"].verdict == "disagrees"
    assert found["gain vanishes"].verdict == "inconclusive"
    assert "no clear gain" in found["gain vanishes"].missing


def test_one_task_of_two_where_it_does_not_shrink_leaves_it_open() -> None:
    def score(at: At) -> float:
        return fading(at) if at.task == "depth" else at.scratch + 0.1 * at.pretrained

    found = verdicts.of(on_labels, study(score, tasks=("classification", "depth")))
    assert found["gain shrinks"].verdict == "agrees"
    assert found["gain shrinks anywhere"].verdict == "inconclusive"
    assert "classification" in found["gain shrinks anywhere"].missing


def test_freezing_helps_at_few_labels_and_hurts_at_many() -> None:
    def score(at: At) -> float:
        moved = 0.1 - 0.05 * at.doublings
        return at.scratch + at.pretrained * (at.mode == "frozen") * moved

    found = verdicts.of(on_labels, study(score))
    assert found["freezing with few labels"].verdict == "agrees"
    assert found["freezing with many labels"].verdict == "agrees"
    turned = verdicts.of(on_labels, study(lambda at: 2 * at.scratch - score(at)))
    assert turned["freezing with few labels"].verdict == "disagrees"
    assert turned["freezing with many labels"].verdict == "disagrees"


def test_one_repetition_decides_nothing() -> None:
    found = verdicts.of(on_labels, study(fading, seeds=1))
    assert {one.verdict for one in found.values()} == {"inconclusive"}
    assert "One repetition" in found["gain with few labels"].missing


def test_maximal_supervision_is_not_the_end_of_the_curves() -> None:
    """Scratch with more labels than any pretraining had is no part of a gap."""
    rows = study(fading, seeds=3)
    rows += [
        dataclasses.replace(row, cell=dataclasses.replace(row.cell, n_labels=5000))
        for row in rows
        if row.cell.arm.method == "none" and row.cell.n_labels == 800
    ]
    assert "with 800 labels" in verdicts.of(on_labels, rows)["gain shrinks"].measured


def test_curves_with_gaps_are_left_out_and_it_is_said() -> None:
    rows = [
        row for row in study(fading, methods=("simclr", "vae", "none"))
        if (row.cell.arm.method, row.cell.n_labels) != ("vae", 800)
    ]  # fmt: skip
    claim = verdicts.of(on_labels, rows)["gain shrinks"]
    assert claim.verdict == "agrees"
    assert "vae" not in claim.measured


def test_without_scratch_or_with_one_number_of_labels_nothing_is_measured() -> None:
    for rows in (study(fading, methods=("simclr",)), study(fading, labels=(50,)), []):
        found = verdicts.of(on_labels, rows)
        assert {one.verdict for one in found.values()} == {"not measured"}
