from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from presight.studies.claims.measured import Contrast, Drawn, Measured, Place, Setting, rectangle

from .planting import study

WHERE = Setting("resnet9:8", "classification", "", 50)
FIRST, SECOND = (Contrast({Place(name, "finetune", WHERE): 1.0}) for name in ("simclr", "vae"))


def test_contrasts_add_up() -> None:
    mean = Contrast.mean([FIRST, FIRST, SECOND])
    assert list(mean.weights.values()) == pytest.approx([2 / 3, 1 / 3])
    assert list((FIRST - SECOND).weights.values()) == [1.0, -1.0]
    assert list(((FIRST - FIRST) * 2.0).weights.values()) == [0.0]


def test_a_difference_is_the_difference_of_its_sides() -> None:
    held = Measured(study(lambda at: at.scratch))
    first, second, both = held.draw([FIRST, SECOND, FIRST - SECOND], [0, 1, 2])
    assert both.value == pytest.approx(first.value - second.value)
    assert (first - second).interval() == pytest.approx(both.interval(), abs=1e-6)


def test_what_seeds_do_to_several_tasks_stays_together() -> None:
    """A seed's weights lift both tasks: a contrast of tasks is known far better than each."""

    def score(at: object) -> float:
        return 0.5

    rows = study(score, methods=("simclr",), tasks=("classification", "depth"), apart=0.1,
                 images=4000, labels=(50,), modes=("finetune",))  # fmt: skip
    held = Measured(rows)
    other = Contrast({Place("simclr", "finetune", WHERE._replace(task="depth")): 1.0})
    one, difference = held.draw([FIRST, FIRST - other], [0, 1, 2, 3])
    assert np.ptp(one.draws) > 0
    seeds = [held.value(FIRST - other, s) for s in range(4)]
    low, high = difference.interval()[1:]
    half = 3.182 * np.std(seeds, ddof=1) / 2
    assert (high - low) / 2 == pytest.approx(half, rel=0.15)


def test_a_ratio_is_linear_in_its_sides() -> None:
    top, base = Drawn(2.0, np.array([1.8, 2.2])), Drawn(4.0, np.array([4.0, 4.4]))
    ratio = top.per(base)
    assert ratio.value == 0.5
    assert ratio.draws == pytest.approx([0.45, 0.5])


def test_an_interval_among_many_is_wider() -> None:
    one = Drawn(0.0, np.random.default_rng(0).normal(size=4000))
    assert one.interval(10).low < one.interval().low < 0 < one.interval().high


def test_other_worlds_stages_and_anchors_are_left_out() -> None:
    rows = study(lambda at: at.scratch, methods=("simclr",), worlds=("a",), seeds=1)
    cells = [row.cell for row in rows]
    arm = cells[0].arm
    changed = [
        dataclasses.replace(cells[0], arm=dataclasses.replace(arm, images="b")),
        dataclasses.replace(cells[0], stage=2),
        dataclasses.replace(cells[0], arm=dataclasses.replace(arm, method="blind")),
        dataclasses.replace(cells[0], arm=dataclasses.replace(arm, method="imagenet", images="")),
    ]
    held = Measured([dataclasses.replace(rows[0], cell=cell) for cell in changed])
    assert not held.methods


def test_whole_repetitions_win_over_more_of_them_for_few_curves() -> None:
    held = Measured(
        row
        for row in study(lambda at: at.scratch, seeds=4)
        if row.cell.seed < 3 or row.cell.arm.method == "simclr"
    )
    kept, seeds = held.complete([FIRST, SECOND], lambda one: [one])
    assert len(kept) == 2
    assert seeds == [0, 1, 2]
    rows = [
        r for r in study(lambda at: at.scratch) if not r.cell.seed or r.cell.arm.method != "vae"
    ]
    kept, seeds = Measured(rows).complete([FIRST, SECOND], lambda one: [one])
    assert kept == [FIRST]
    assert seeds == [0, 1, 2, 3]
    assert Measured([]).complete([FIRST], lambda one: [one]) == ([], [])


def test_a_rectangle_drops_the_column_that_costs_most() -> None:
    table = {"a": {1, 2, 3}, "b": {1, 2, 3}, "c": {3}}
    assert rectangle(table, lambda chosen: len(chosen) > 1) == (["a", "b"], [1, 2, 3])
    assert rectangle(table, lambda chosen: "c" in chosen and len(chosen) > 2)[1] == [3]
    assert rectangle({"a": {1}, "b": {2}}, lambda chosen: len(chosen) > 1)[1] == []
    assert rectangle({}, lambda chosen: True) == ([], [])
