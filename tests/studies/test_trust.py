"""Planted figures: one that orders the networks, one that is noise, one that only knows its arm."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from presight.studies.cells import Arm, Cell, Mode, Row
from presight.studies.trust import (
    FEWEST,
    LEAST,
    MOST,
    Correlation,
    Diagnosed,
    correlations,
    spearman,
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


@pytest.mark.parametrize("alike", [0.0, 0.95])
def test_of_noise_hardly_any_tells_whether_or_not_seeds_are_alike(alike: float) -> None:
    """Nominal 5 of 100; as networks of their own, seeds that are alike would tell in 40."""
    draw, told = np.random.default_rng(0), 0
    groups = np.repeat(np.arange(6), SEEDS)
    for _ in range(100):
        parts = alike**0.5 * draw.normal(size=(2, 6))[:, groups]
        pair = parts + (1 - alike) ** 0.5 * draw.normal(size=(2, 6 * SEEDS))
        _, low, high = spearman(*pair.tolist(), groups.tolist(), draws=200) or (0, 0, 0)
        told += low > 0 or high < 0
    assert told <= 10


def test_seeds_of_an_arm_are_no_networks_of_their_own() -> None:
    """A figure that only knows its arm, out of order: as networks it would tell, as arms not."""
    order = [1, 0, 4, 2, 3, 5]
    first = [float(order[k // 20]) for k in range(120)]
    second = [k // 20 + 0.0 for k in range(120)]
    rho = stats.spearmanr(first, second)
    assert rho.pvalue < 1e-9
    value, low, _ = spearman(first, second, [k // 20 for k in range(120)]) or (0, 0, 0)
    assert value == pytest.approx(rho.statistic)
    assert low < 0.3
    _, alone, _ = spearman(first, second, range(120)) or (0, 0, 0)
    assert alone > 0.5


def test_rho_is_that_of_scipy_with_ties_and_unequal_groups() -> None:
    draw = np.random.default_rng(0)
    first, second = draw.integers(0, 5, 30).astype(float), draw.normal(size=30)
    found = spearman(first.tolist(), second.tolist(), [0] * 15 + [1] * 10 + [2] * 5)
    assert found is not None
    value, low, high = found
    assert value == pytest.approx(stats.spearmanr(first, second).statistic)
    assert low < value < high


def test_the_order_in_which_networks_stand_does_not_matter() -> None:
    draw = np.random.default_rng(1)
    groups = np.repeat(np.arange(6), 5)
    pair = draw.normal(size=(2, 6))[:, groups] + 0.1 * draw.normal(size=(2, 30))
    mixed = draw.permutation(30)
    found = spearman(*pair.tolist(), groups.tolist())
    again = spearman(*pair[:, mixed].tolist(), groups[mixed].tolist())
    assert again == pytest.approx(found, abs=0.08)


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
