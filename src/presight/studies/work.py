"""A study's missing work in pieces that can be done apart: an arm in a repetition each."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Sequence

from presight.studies.cells import Arm, Cell, Row
from presight.studies.desk import Desk


@dataclasses.dataclass(frozen=True)
class Group:
    """Cells of an arm in a repetition: they share a pretraining and a backbone.

    Args:
        arm: whose.
        seed: of the repetition.
        cells: that are missing, in the study's order.
    """

    arm: Arm
    seed: int
    cells: tuple[Cell, ...]

    def __str__(self) -> str:
        return f"{self.arm}, seed {self.seed}"


def groups_of(cells: Sequence[Cell]) -> list[Group]:
    """The groups of some cells, in their order."""
    found: dict[tuple[Arm, int], list[Cell]] = {}
    for cell in cells:
        found.setdefault((cell.arm, cell.seed), []).append(cell)
    return [Group(arm, seed, tuple(some)) for (arm, seed), some in found.items()]


@dataclasses.dataclass(frozen=True)
class Limit:
    """Until when there is time, and what is begun before that.

    Args:
        until: seconds since 1970.
        pretraining: seconds that the group's pretraining takes, as far as it is known.
        cost: gives the seconds that a cell takes, as far as it is known.
    """

    until: float = math.inf
    pretraining: float = 0.0
    cost: Callable[[Cell], float] = lambda cell: 0.0

    def allows(self, seconds: float) -> bool:
        """Whether something that takes so long is begun."""
        return time.time() + seconds <= self.until


def carry_out(
    desk: Desk,
    group: Group,
    limit: Limit,
    *,
    tell: Callable[[str], None],
    landed: Callable[[Row], None],
) -> bool:
    """Pretrain what the group's cells need, and measure them; each row is written at once.

    Args:
        desk: measures.
        group: what is missing.
        limit: nothing is begun that would go beyond it.
        tell: told what is pretrained.
        landed: shown every row.

    Returns:
        Whether there was time for all.
    """
    arm, seed = group.arm, group.seed
    if not desk.arms.is_there(arm, seed):
        if not limit.allows(limit.pretraining + limit.cost(group.cells[0])):
            return False
        tell(f"pretraining without labels: {group}")
        desk.arms.pretrain(arm, seed, quiet=desk.quiet)
    for cell in group.cells:
        if not limit.allows(limit.cost(cell)):
            return False
        landed(desk.measure(cell))
    return True
