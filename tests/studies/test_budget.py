from __future__ import annotations

from collections.abc import Sequence

import pytest

from presight.errors import UsageError
from presight.studies.budget import fitted, seconds_of
from presight.studies.cells import BLIND, NONE, Arm, Cell

METHODS = ("simclr", "rotation", "vae", NONE, BLIND)
TASKS = ("depth", "classification", "segmentation")
COUNTS = (10, 20, 50, 100, 200)


def grid(tasks: Sequence[str] = TASKS, seeds: int = 4) -> list[Cell]:
    cells = [
        Cell(Arm(method, "" if method == BLIND else "vgg11"), "frozen", n, seed, task)
        for seed in range(seeds)
        for method in METHODS
        for task in tasks
        for n in COUNTS
    ]
    # Maximal supervision is no step of the ladder.
    return [*cells, *(Cell(Arm(NONE, "vgg11"), "finetune", 999, s, tasks[0]) for s in range(seeds))]


def number(cells: Sequence[Cell]) -> float:
    return float(len(cells))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("", 0), ("90s", 90), ("30m", 1800), ("8h", 28800), ("1h30m", 5400), ("1.5h", 5400)],
)
def test_times_are_read(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["8", "h", "8 hours", "8h 30", "-1h", "0s", "h8"])
def test_what_is_no_time_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError, match=r"--budget is .*8h, 30m"):
        seconds_of(text)


def test_what_fits_is_left_whole() -> None:
    cells = grid()
    assert fitted(cells, number, len(cells)) == (cells, [])


def test_the_order_is_dense_tasks_counts_methods_repetitions() -> None:
    cells = grid()
    kept, dropped = fitted(cells, number, 0.0)
    assert dropped == [
        "the task segmentation", "the task depth", "50 labels", "100 labels", "20 labels",
        "the method vae", "the method rotation", "repetition 4",
    ]  # fmt: skip
    assert {cell.task for cell in kept} == {"classification"}
    assert {cell.n_labels for cell in kept} == {10, 200}
    assert {cell.arm.method for cell in kept} == {"simclr", NONE, BLIND}
    assert {cell.seed for cell in kept} == {0, 1, 2}


def test_nothing_more_is_left_out_than_must_be() -> None:
    cells = grid()
    kept, dropped = fitted(cells, number, len(cells) - 1.0)
    assert dropped == ["the task segmentation"]
    assert len(kept) == 4 * 5 * 2 * 5 + 4


def test_a_study_of_dense_tasks_keeps_the_first() -> None:
    kept, _ = fitted(grid(("depth", "segmentation")), number, 0.0)
    assert {cell.task for cell in kept} == {"depth"}


def test_fewer_repetitions_than_three_stay() -> None:
    kept, _ = fitted(grid(seeds=2), number, 0.0)
    assert {cell.seed for cell in kept} == {0, 1}


def test_what_costs_nothing_is_not_left_out() -> None:
    """What is there already stays, and so does what shares its step with nothing else."""

    def cost(cells: Sequence[Cell]) -> float:
        return float(sum(cell.task != "segmentation" for cell in cells))

    _, dropped = fitted(grid(), cost, 0.0)
    assert "the task segmentation" not in dropped
    assert dropped[0] == "the task depth"
