"""Planted figures: one that orders the networks, one that is noise, one that only knows its arm."""

from __future__ import annotations

import json

import numpy as np
import pytest

from presight.studies.cells import Arm, Cell, Mode, Row
from presight.studies.trust import (
    FEWEST,
    LEAST,
    MOST,
    Correlation,
    Diagnosed,
    correlations,
    record,
)

METRICS = {"classification": "accuracy"}
SEEDS = 3


def arms(count: int) -> list[Arm]:
    return [Arm(f"method{k}", "resnet9:4") for k in range(count)]


def row(arm: Arm, mode: Mode, n: int, seed: int, value: float, **where: object) -> Row:
    cell = Cell(arm, mode, n, seed, **where)  # type: ignore[arg-type]
    return Row(cell, {"other": -value, "accuracy": value}, {}, 100, 1.0, {})


def study(
    count: int = 4, modes: tuple[Mode, ...] = ("frozen", "finetune")
) -> tuple[list[Arm], list[Row]]:
    """Arms whose scores rise from one to the next, the same in both modes, with two counts."""
    made = arms(count)
    rows = [
        row(arm, mode, n, seed, 0.3 + 0.05 * k + 0.001 * seed + n / 1000)
        for k, arm in enumerate(made)
        for mode in modes
        for n in (50, 200)
        for seed in range(SEEDS)
    ]
    return made, rows


def diagnosed(made: list[Arm], figures: dict[str, object]) -> list[Diagnosed]:
    """Networks with figures, each a function of arm and seed."""
    return [
        Diagnosed(arm, seed, 100, {n: f(k, seed) for n, f in figures.items()}, {})  # type: ignore[operator]
        for k, arm in enumerate(made)
        for seed in range(SEEDS)
    ]


def only(
    found: list[Correlation], figure: str, mode: str = "finetune", **which: object
) -> Correlation:
    asked = {"method": "", "over": "networks", **which}
    (one,) = [c for c in found if c.figure == figure and c.score.mode == mode
              and all(getattr(c, name) == value for name, value in asked.items())]  # fmt: skip
    return one


def test_a_figure_that_orders_the_networks_has_rho_one_and_tells() -> None:
    made, rows = study()
    found = correlations(
        diagnosed(made, {"up": lambda k, s: k + s / 10, "down": lambda k, s: -k - s / 10}),
        rows, METRICS,
    )  # fmt: skip
    up, down = only(found, "up"), only(found, "down")
    assert (up.rho, up.verdict, up.n, up.arms) == (pytest.approx(1.0), "tells", 12, 4)
    assert (down.rho, down.verdict) == (pytest.approx(-1.0), "tells")
    assert up.score.n_labels == 200
    assert up.score.metric == "accuracy"
    assert not up.takes_labels


def test_noise_tells_nothing() -> None:
    made, rows = study(6)
    noise = np.random.default_rng(2).normal(size=(6, SEEDS))
    found = correlations(diagnosed(made, {"noise": lambda k, s: noise[k, s]}), rows, METRICS)
    one = only(found, "noise")
    assert (one.low or 0) < 0 < (one.high or 0)
    assert one.verdict == "tells nothing"


def test_a_figure_that_is_the_same_for_all_tells_nothing() -> None:
    made, rows = study()
    found = correlations(diagnosed(made, {"flat": lambda k, s: 1.0}), rows, METRICS)
    flat = only(found, "flat")
    assert (flat.rho, flat.low, flat.verdict) == (None, None, "tells nothing")


def test_of_few_networks_there_is_a_figure_and_no_verdict() -> None:
    made, rows = study(2)
    found = only(
        correlations(diagnosed(made, {"up": lambda k, s: k + s / 10}), rows, METRICS), "up"
    )
    assert found.n == 2 * SEEDS < LEAST
    assert found.rho == pytest.approx(1.0)
    assert found.verdict == "too few"


def test_within_a_method_where_it_has_enough_networks() -> None:
    """Within each method the figure falls where the score rises; over both it rises."""
    made = [Arm(method, f"resnet9:{w}") for method in ("a", "b") for w in (4, 8, 16, 32)]
    rows = [row(arm, "finetune", 50, seed, 0.3 * (k // 4) + 0.05 * (k % 4) + 0.001 * seed)
            for k, arm in enumerate(made) for seed in range(SEEDS)]  # fmt: skip
    figure = diagnosed(made, {"rank": lambda k, s: 100 * (k // 4) - k % 4})
    found = correlations(figure, rows, METRICS)
    assert (only(found, "rank").rho or 0) > 0.3
    for method in ("a", "b"):
        within = only(found, "rank", method=method)
        assert (within.rho or 0) < -0.9
        assert within.n == 12
        assert within.verdict == "tells"
    made, rows = study()
    assert {
        c.method for c in correlations(diagnosed(made, {"x": lambda k, s: k}), rows, METRICS)
    } == {""}


def test_the_frozen_probe_stands_beside_and_its_order_of_arms() -> None:
    made, rows = study(8)
    found = correlations(diagnosed(made, {}), rows, METRICS)
    for name in (FEWEST, MOST):
        one = only(found, name)
        assert one.takes_labels
        assert (one.rho, one.n) == (pytest.approx(1.0), 24)
        by_arm = only(found, name, over="arms")
        assert (by_arm.rho, by_arm.n, by_arm.verdict) == (pytest.approx(1.0), 8, "tells")
    # A score says nothing about itself.
    assert [c.figure for c in found if c.score.mode == "frozen"] == [FEWEST]


def test_other_arms_stages_and_tasks_are_kept_apart() -> None:
    made, rows = study()
    strange = [
        row(Arm("none", "resnet9:4"), "finetune", 200, 0, 9.0),
        row(made[0], "frozen", 200, 0, 9.0, stage=1),
        row(made[0], "frozen", 200, 0, 9.0, measured_on="elsewhere"),
    ]
    planted = diagnosed(made, {"up": lambda k, s: k + s / 10})
    found = correlations(planted, [*rows, *strange], METRICS)
    here = [c for c in found if not c.score.measured_on]
    for mode in ("frozen", "finetune"):
        assert only(here, "up", mode).rho == pytest.approx(1.0)
    apart = [c for c in found if c.score.measured_on == "elsewhere"]
    assert [(c.figure, c.n, c.rho, c.verdict) for c in apart] == [("up", 1, None, "too few")]


def test_a_figure_that_some_networks_lack_is_counted_without_them() -> None:
    made, rows = study()
    planted = diagnosed(made, {"up": lambda k, s: k + s / 10})
    planted[0] = Diagnosed(made[0], 0, 100, {}, {})
    assert only(correlations(planted, rows, METRICS), "up").n == 11


def test_the_sentence_names_the_figures_that_tell_and_says_how_many_would_by_chance() -> None:
    made, rows = study()
    figures = {"up": lambda k, s: k + s / 10, "flat": lambda k, s: 1.0}
    told = record(correlations(diagnosed(made, figures), rows, METRICS), 100)
    assert told["sentence"].startswith(
        "1 of 2 figures without labels tells the order of 12 pretrained networks (4 arms) by "
        "fine-tuned accuracy with 200 labels (by chance about 0.1 would): up (rho 1)."
    )
    assert json.loads(json.dumps(told)) == told
    none = record(correlations(diagnosed(made, {"flat": lambda k, s: 1.0}), rows, METRICS), 100)
    assert none["sentence"].startswith("None of 1 figures")
    made, rows = study(2)
    few = record(correlations(diagnosed(made, figures), rows, METRICS), 100)
    assert few["sentence"].startswith("8 pretrained networks are needed")
