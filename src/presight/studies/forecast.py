"""How long what is missing of a study will take, and what each cell of it will."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable, Sequence

from presight.core.wording import duration
from presight.studies.cells import BLIND, NONE, PIXELS, Arm, Cell, Row
from presight.studies.desk import Desk
from presight.studies.prices import MEASURED, Work, price, relative, work_of

SHARE = 0.02
"""Of what it tells of, that measuring may take."""

Kind = tuple[str, str, str, str, bool]
_Pretraining = tuple[Arm, int]


@dataclasses.dataclass(frozen=True)
class Cost:
    """Seconds of work.

    Args:
        pretraining: of the backbones that are missing.
        frozen: of cells with a frozen backbone.
        finetune: of fine-tuned cells.
        unknown: cells and pretrainings that are not in it.
    """

    pretraining: float = 0.0
    frozen: float = 0.0
    finetune: float = 0.0
    unknown: int = 0

    @property
    def seconds(self) -> float:
        """In all."""
        return self.pretraining + self.frozen + self.finetune

    def line(self, workers: int = 1) -> str:
        """In words.

        Args:
            workers: that share the work.
        """
        named = {
            "pretraining": self.pretraining,
            "frozen": self.frozen,
            "fine-tuning": self.finetune,
        }
        parts = [
            f"{duration(value / workers)} {name}" for name, value in named.items() if value > 0.5
        ]
        text = f"about {duration(self.seconds / workers)}"
        text += f": {', '.join(parts)}" if parts else ""
        text += f", on {workers} workers" if workers > 1 else ""
        if self.unknown:
            text += (
                f"; {self.unknown} short pieces of work are not in it, as measuring them first "
                "would take too long"
            )
        return text


class Forecast:
    """Seconds of each cell: as cells of its kind took, else as a short measurement says.

    A kind is a backbone, task, mode and world, whole or in stages.

    Args:
        desk: the study's.
        cells: all of the study.
        rows: that are there.
    """

    def __init__(self, desk: Desk, cells: Sequence[Cell], rows: Iterable[Row]) -> None:
        self.desk = desk
        self._first: dict[tuple[Arm, int, str, str, str], Cell] = {}
        for cell in cells:
            self._first.setdefault(_features(cell), cell)
        self._took: dict[Kind, tuple[float, float]] = {}
        self._exact: dict[tuple[Kind, int], tuple[float, int]] = {}
        self._prices: dict[Kind, Work] = {}
        self._arms: dict[Arm, float | None] = {}
        self._pretrained: set[_Pretraining] = set()
        for row in rows:
            self.learn(row)

    def learn(self, row: Row) -> None:
        """Take in how long a cell took."""
        cell, kind = row.cell, kind_of(row.cell)
        took, work = self._took.get(kind, (0.0, 0.0))
        self._took[kind] = took + row.seconds, work + self._work(cell).times(self._price(cell))
        seconds, times = self._exact.get((kind, cell.n_labels), (0.0, 0))
        self._exact[kind, cell.n_labels] = seconds + row.seconds, times + 1
        self._pretrained.add((cell.arm, cell.seed))

    def cell(self, cell: Cell) -> float:
        """Seconds of a cell; 0 where its kind is not known."""
        return self._cell(cell) or 0.0

    def pretraining(self, arm: Arm, seed: int) -> float:
        """Seconds of the pretraining that is missing; 0 where it is not known, or there."""
        return (self._arms.get(arm) or 0.0) if self._lacks(arm, seed) else 0.0

    def of(self, cells: Iterable[Cell]) -> Cost:
        """Seconds of missing cells and their pretrainings."""
        told = {"frozen": 0.0, "finetune": 0.0}
        unknown, groups = 0, dict[_Pretraining, None]()
        for cell in cells:
            seconds = self._cell(cell)
            told[cell.mode] += seconds or 0.0
            unknown += seconds is None
            groups[cell.arm, cell.seed] = None
        lacking = [one for one in groups if self._lacks(*one)]
        unknown += sum(self._arms.get(arm) is None for arm, _ in lacking)
        pretraining = sum(self._arms.get(arm) or 0.0 for arm, _ in lacking)
        return Cost(pretraining, unknown=unknown, **told)

    def measure(self, cells: Sequence[Cell]) -> float:
        """Measure kinds and pretrainings that are not known yet, where that is short beside them.

        Args:
            cells: that are missing.

        Returns:
            Seconds that it took.
        """
        began = time.monotonic()
        arms: dict[Arm, set[int]] = {}
        kinds: dict[Kind, list[Cell]] = {}
        for cell in cells:
            kinds.setdefault(kind_of(cell), []).append(cell)
            if self._lacks(cell.arm, cell.seed):
                arms.setdefault(cell.arm, set()).add(cell.seed)
        for arm, seeds in arms.items():
            if arm not in self._arms:
                self._arms[arm] = self.desk.arms.seconds(arm, len(seeds), SHARE)
        for kind, some in kinds.items():
            if kind not in self._took and kind not in self._prices and self._worth(some):
                self._prices[kind] = self._measured(some[0])
        return time.monotonic() - began

    def _worth(self, cells: Sequence[Cell]) -> bool:
        """Whether measuring a kind is short beside its cells."""
        if cells[0].arm.method == BLIND:
            return False
        total = sum((self._work(cell) for cell in cells), Work(0, 0, 0))
        if total.updates:
            return total.updates * SHARE >= MEASURED.updates
        # A probe's time is of its features and of its labels; the larger part decides.
        return (
            max(total.images * SHARE / MEASURED.images, total.labels * SHARE / MEASURED.labels)
            >= 1.0
        )

    def _measured(self, cell: Cell) -> Work:
        arms = self.desk.arms
        arm = cell.arm if cell.arm.method == PIXELS else Arm(NONE, cell.arm.backbone)
        bench = self.desk.bench(cell.task, cell.measured_on)
        return price(bench, cell, arms.network(arm, 0))

    def _cell(self, cell: Cell) -> float | None:
        kind = kind_of(cell)
        if cell.arm.method == BLIND:
            return 0.0
        if found := self._exact.get((kind, cell.n_labels)):
            return found[0] / found[1]
        base = self._work(cell).times(self._price(cell))
        if kind in self._took:
            took, work = self._took[kind]
            return base * took / work if work else took
        return base if kind in self._prices else None

    def _price(self, cell: Cell) -> Work:
        bench = self.desk.bench(cell.task, cell.measured_on)
        return self._prices.get(kind_of(cell)) or relative(bench, cell)

    def _work(self, cell: Cell) -> Work:
        bench = self.desk.bench(cell.task, cell.measured_on)
        return work_of(bench, cell, first=self._first.get(_features(cell)) == cell)

    def _lacks(self, arm: Arm, seed: int) -> bool:
        if (arm, seed) in self._pretrained:
            return False
        if self.desk.arms.is_there(arm, seed):
            self._pretrained.add((arm, seed))
            return False
        return True


def kind_of(cell: Cell) -> Kind:
    """Cells of a kind cost alike, label by label."""
    backbone = cell.arm.backbone or cell.arm.method
    return backbone, cell.task, cell.mode, cell.measured_on, cell.stage > 0


def _features(cell: Cell) -> tuple[Arm, int, str, str, str]:
    return cell.arm, cell.seed, cell.task, cell.measured_on, cell.mode
