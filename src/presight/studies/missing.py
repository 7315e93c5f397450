"""What is missing of a study, done by an executor while its progress is told."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch

from presight.core.wording import duration
from presight.errors import IntegrityError
from presight.pretraining.telling import counted
from presight.studies.budget import fitted
from presight.studies.cells import Cell, Row
from presight.studies.desk import Desk
from presight.studies.forecast import Cost, Forecast
from presight.studies.over_ray import over_ray, require_ray, slots, workers
from presight.studies.rows import read_row
from presight.studies.work import Group, Limit, carry_out, groups_of


class Missing:
    """A study's cells, those that are there and those that are not yet.

    Args:
        desk: measures.
        tell: told lines.

    Attributes:
        cells: all of the study.
        rows: that are there.
        cost: that was foretold, None where nothing was missing.
        left_out: for the budget, in words.
        began: seconds since 1970.
        in_time: whether the budget was enough.
    """

    def __init__(self, desk: Desk, tell: Callable[[str], None]) -> None:
        self.desk, self.tell, self.began = desk, tell, time.time()
        self.cost: Cost | None = None
        self.left_out: list[str] = []
        self.in_time = True
        self.cells = desk.cells()
        for line in desk.notes:
            tell(f"note: {line}")
        self.rows: dict[Cell, Row] = {}
        for cell in self.cells:
            place = desk.place(cell)
            if place.is_file():
                try:
                    self.rows[cell] = read_row(place)
                except IntegrityError as error:
                    tell(f"note: {error}")
                    place.unlink()

    def found(self) -> list[Row]:
        """Rows that are there, in the study's order."""
        return [self.rows[cell] for cell in self.cells if cell in self.rows]

    def whole(self) -> list[Row]:
        """Rows of repetitions that are whole, of each task on each world."""
        lacking = {
            (cell.task, cell.measured_on, cell.seed) for cell in self.cells if cell not in self.rows
        }
        return [
            row
            for row in self.found()
            if (row.cell.task, row.cell.measured_on, row.cell.seed) not in lacking
        ]

    def record(self, budget: float) -> dict[str, Any]:
        """What was foretold and what was left out, plain JSON.

        Args:
            budget: seconds; 0 is no budget.
        """
        return {
            "seconds": budget,
            "estimate": dataclasses.asdict(self.cost) if self.cost else None,
            "left_out": self.left_out,
        }

    def do(self, executor: str, budget: float = 0.0) -> list[str]:
        """Measure what is missing, as long as there is time.

        Args:
            executor: local or ray.
            budget: seconds; 0 is no budget.

        Returns:
            What failed, in words.
        """
        if not self._missing():
            return []
        forecast = Forecast(self.desk, self.cells, self.rows.values())
        with _workers(executor, self.desk) as (ray, workers):
            self.cost = self._told(forecast, workers)
            if budget:
                self._reduce(forecast, workers, budget)
            until = self.began + budget if budget else math.inf
            self.in_time, failures = self._carried_out(ray, forecast, workers, until)
        self.tell(f"measured in {duration(time.time() - self.began)}")
        if not self.in_time:
            self.tell(
                f"the budget is used up; {len(self._missing())} cells are left for the same "
                "command with a larger --budget, or without one"
            )
        return failures

    def _missing(self) -> list[Cell]:
        return [cell for cell in self.cells if cell not in self.rows]

    def _told(self, forecast: Forecast, workers: int) -> Cost:
        """What is missing will cost, told before it begins."""
        missing = self._missing()
        self.tell(
            f"measuring {len(missing)} of {len(self.cells)} cells; the others are there already"
        )
        spent = forecast.measure(missing)
        cost = forecast.of(missing)
        more = f" (known after {duration(spent)})" if spent > 1.0 else ""
        self.tell(f"it takes {cost.line(workers)}{more}")
        return cost

    def _reduce(self, forecast: Forecast, workers: int, budget: float) -> None:
        """Leave out what does not fit."""
        room = self.began + budget - time.time()

        def cost(cells: Sequence[Cell]) -> float:
            return forecast.of(cell for cell in cells if cell not in self.rows).seconds / workers

        kept, self.left_out = fitted(self.cells, cost, room)
        for words in self.left_out:
            self.tell(f"left out for the budget: {words}")
        if cost(kept) > room:
            self.tell(
                f"note: even the least of the study takes about {duration(cost(kept))}, and the "
                f"budget is {duration(budget)}; it goes on until that is used up, whole "
                "repetitions first"
            )
        chosen = set(kept)
        self.cells = [cell for cell in self.cells if cell in chosen or cell in self.rows]

    def _carried_out(
        self, ray: Any, forecast: Forecast, workers: int, until: float
    ) -> tuple[bool, list[str]]:
        """Do all groups; whether there was time, and what failed."""
        total = len(self._missing())

        def left() -> float:
            return forecast.of(self._missing()).seconds / workers

        progress = counted("cells", self.desk.quiet, estimate=True, left=left)

        def landed(row: Row) -> None:
            self.rows[row.cell] = row
            forecast.learn(row)
            if progress is not None:
                progress(total - len(self._missing()), total)

        def limit(group: Group) -> Limit:
            return Limit(until, forecast.pretraining(group.arm, group.seed), forecast.cell)

        groups = groups_of(self._missing())
        if ray is not None:
            return over_ray(ray, self.desk, groups, limit, tell=self.tell, landed=landed)
        return all(
            carry_out(self.desk, group, limit(group), tell=self.tell, landed=landed)
            for group in groups
        ), []


@contextlib.contextmanager
def _workers(executor: str, desk: Desk) -> Iterator[tuple[Any, int]]:
    """Ray and its number of workers, with as many threads here as each of them has."""
    if executor != "ray":
        yield None, 1
        return
    ray, threads = require_ray(), torch.get_num_threads()
    with workers(ray):
        torch.set_num_threads(1)
        try:
            yield ray, slots(ray, desk.plan.device)[1]
        finally:
            torch.set_num_threads(threads)
