"""What is missing of a study, done by an executor while its progress is told."""

from __future__ import annotations

import time
from collections.abc import Callable

from presight.errors import IntegrityError
from presight.pretraining.telling import counted
from presight.studies.cells import Cell, Row
from presight.studies.desk import Desk
from presight.studies.over_ray import over_ray
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
    """

    def __init__(self, desk: Desk, tell: Callable[[str], None]) -> None:
        self.desk, self.tell = desk, tell
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

    def do(self, executor: str) -> list[str]:
        """Measure what is missing, as long as there is time.

        Args:
            executor: local or ray.

        Returns:
            What failed, in words.
        """
        missing = [cell for cell in self.cells if cell not in self.rows]
        if not missing:
            return []
        self.tell(
            f"measuring {len(missing)} of {len(self.cells)} cells; the others are there already"
        )
        began, progress = time.monotonic(), counted("cells", self.desk.quiet)
        done = 0

        def landed(row: Row) -> None:
            nonlocal done
            done += 1
            self.rows[row.cell] = row
            if progress is not None:
                progress(done, len(missing))

        failures: list[str] = []
        groups = groups_of(missing)
        if executor == "ray":
            _, failures = over_ray(self.desk, groups, self._limit, tell=self.tell, landed=landed)
        else:
            for group in groups:
                if not carry_out(
                    self.desk, group, self._limit(group), tell=self.tell, landed=landed
                ):
                    break
        self.tell(f"measured in {(time.monotonic() - began) / 60:.1f} minutes")
        return failures

    def _limit(self, group: Group) -> Limit:
        return Limit()
