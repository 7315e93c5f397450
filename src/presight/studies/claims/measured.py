"""A study's scores, weighed against each other over repetitions and test images jointly."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from presight.evaluation.intervals import Interval
from presight.evaluation.replicates import Floats, joint, middle
from presight.studies.cells import ANCHORS, IMAGENET, NONE, Mode, Row
from presight.studies.rows import unpacked

T = TypeVar("T")
C = TypeVar("C", bound=Hashable)
DRAWS = 4000
HELD = 8192
"""Scores by image that are kept unpacked."""


class Setting(NamedTuple):
    """Where methods are compared."""

    backbone: str
    task: str
    world: str
    n_labels: int


class Place(NamedTuple):
    """A cell without its repetition."""

    method: str
    mode: Mode
    setting: Setting


class Contrast:
    """A weighed sum of scores.

    Args:
        weights: by place.
    """

    def __init__(self, weights: Mapping[Place, float]) -> None:
        self.weights = dict(weights)

    def __sub__(self, other: Contrast) -> Contrast:
        found = dict(self.weights)
        for place, weight in other.weights.items():
            found[place] = found.get(place, 0.0) - weight
        return Contrast(found)

    def __mul__(self, factor: float) -> Contrast:
        return Contrast({place: factor * weight for place, weight in self.weights.items()})

    @staticmethod
    def mean(parts: Iterable[Contrast]) -> Contrast:
        """The mean of some, at least one."""
        held = list(parts)
        found: dict[Place, float] = {}
        for part in held:
            for place, weight in part.weights.items():
                found[place] = found.get(place, 0.0) + weight / len(held)
        return Contrast(found)


@dataclasses.dataclass(frozen=True, eq=False)
class Drawn:
    """A number, and what it might have been with other seeds and images.

    Args:
        value: as measured.
        draws: float [draws]; those of one call of `Measured.draw` belong together.
    """

    value: float
    draws: Floats

    def interval(self, among: int = 1) -> Interval:
        """With its 95 % interval; of one number among several, all of which hold together."""
        return Interval(self.value, *middle(self.draws, 1.0 - 0.05 / among))

    def __sub__(self, other: Drawn) -> Drawn:
        return Drawn(self.value - other.value, self.draws - other.draws)

    def per(self, other: Drawn) -> Drawn:
        """A ratio, linear in what both might have been; the other must be clear of zero."""
        ratio = self.value / other.value
        moved = (self.draws - self.value) - ratio * (other.draws - other.value)
        return Drawn(ratio, ratio + moved / other.value)

    @staticmethod
    def mean(parts: Iterable[Drawn]) -> Drawn:
        """The mean of some, at least one."""
        held = list(parts)
        return Drawn(
            sum(one.value for one in held) / len(held), np.mean([one.draws for one in held], 0)
        )


class Measured:
    """What a study measured: whole backbones, of methods pretrained on what they are measured on.

    Args:
        rows: any; those of single stages, of anchors and of other worlds' backbones are left out.
    """

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows: dict[Place, dict[int, Row]] = {}
        self._where: dict[tuple[str, Mode], set[Setting]] = {}
        for row in rows:
            cell = row.cell
            if cell.stage or cell.arm.method in (*ANCHORS, IMAGENET):
                continue
            if cell.arm.images not in ("", cell.measured_on):
                continue
            setting = Setting(cell.arm.backbone, cell.task, cell.measured_on, cell.n_labels)
            place = Place(cell.arm.method, cell.mode, setting)
            self._rows.setdefault(place, {})[cell.seed] = row
            self._where.setdefault((place.method, place.mode), set()).add(setting)
        self._parts = lru_cache(maxsize=HELD)(self._unpacked)
        self.usual = lru_cache(maxsize=None)(self._usual)

    @property
    def methods(self) -> list[str]:
        """That were measured, without none."""
        return list(dict.fromkeys(place.method for place in self._rows if place.method != NONE))

    def settings(self, method: str, mode: Mode) -> set[Setting]:
        """Where a method was measured."""
        return set(self._where.get((method, mode), ()))

    def _usual(self, task: str, world: str) -> frozenset[int]:
        """Numbers of labels that half or more of the curves with one from scratch beside them have.

        Maximal supervision has a number of its own, and a curve that was begun later may too.
        """
        found: dict[tuple[str, str], set[int]] = {}
        for method in self.methods:
            for one in self.settings(method, "finetune") & self.settings(NONE, "finetune"):
                if (one.task, one.world) == (task, world):
                    found.setdefault((method, one.backbone), set()).add(one.n_labels)
        counts = Counter(n for own in found.values() for n in own)
        return frozenset(n for n, count in counts.items() if 2 * count >= len(found))

    def row(self, place: Place, seed: int) -> Row:
        """A place's row of a repetition."""
        return self._rows[place][seed]

    def value(self, contrast: Contrast, seed: int) -> float:
        """A contrast in one repetition."""
        return float(
            sum(
                w * self._parts(place, seed).mean(dtype=np.float64)
                for place, w in contrast.weights.items()
            )
        )

    def seeds(self, contrasts: Iterable[Contrast]) -> frozenset[int]:
        """Repetitions that have every place of some contrasts."""
        places = {place for contrast in contrasts for place in contrast.weights}
        held = [frozenset(self._rows.get(place, ())) for place in places]
        return frozenset.intersection(*held) if held else frozenset()

    def complete(
        self, pieces: Sequence[T], needs: Callable[[T], Iterable[Contrast]]
    ) -> tuple[list[T], list[int]]:
        """Pieces and repetitions such that all pieces have all of them: most of both together.

        Args:
            pieces: any.
            needs: what a piece needs.

        Returns:
            The pieces kept and the numbers of the repetitions; nothing where no piece has any.
        """
        held = [self.seeds(needs(piece)) for piece in pieces]
        every = frozenset.intersection(*held) if held else frozenset()
        candidates = [seeds for seeds in dict.fromkeys((every, *held)) if seeds]

        def gain(seeds: frozenset[int]) -> tuple[int, int]:
            have = sum(seeds <= own for own in held)
            return (len(seeds) - 1) * have, have

        seeds = max(candidates, key=gain, default=frozenset())
        kept = [piece for piece, own in zip(pieces, held, strict=True) if seeds and seeds <= own]
        return kept, sorted(seeds)

    def draw(
        self, contrasts: Sequence[Contrast], seeds: Sequence[int], *, among: int = 1
    ) -> list[Drawn]:
        """Contrasts with draws that belong together.

        Args:
            contrasts: whose places have all seeds.
            seeds: numbers of repetitions.
            among: how many intervals shall hold together; more of them need more draws.
        """
        draws = min(40_000, DRAWS * max(1, among // 10))
        totals = np.zeros((draws, len(contrasts)))
        values = np.zeros(len(contrasts))
        groups: dict[tuple[str, str, int], dict[int, list[tuple[Place, float]]]] = {}
        for number, contrast in enumerate(contrasts):
            for place, weight in contrast.weights.items():
                images = self._rows[place][seeds[0]].n_test
                group = groups.setdefault((place.setting.task, place.setting.world, images), {})
                group.setdefault(number, []).append((place, weight))
        sets: list[Floats] = [np.stack([
            [np.sum([w * self._parts(place, seed) for place, w in parts], 0)
             for parts in group.values()]
            for seed in seeds
        ]) for group in groups.values()]  # fmt: skip
        for group, results, drawn in zip(
            groups.values(), sets, joint(sets, draws=draws), strict=True
        ):
            totals[:, list(group)] += drawn
            values[list(group)] += results.mean((0, 2))
        return [
            Drawn(float(value), totals[:, number].copy()) for number, value in enumerate(values)
        ]

    def _unpacked(self, place: Place, seed: int) -> NDArray[np.float32]:
        """A place's score by image, of its task's first metric; higher is better."""
        row = self._rows[place][seed]
        first = next(iter(row.influences.values()))
        return unpacked(first, row.n_test)


def _first(pair: tuple[tuple[int, int, int], frozenset[int]]) -> tuple[int, int, int]:
    return pair[0]


def rectangle(
    table: Mapping[C, set[T]], allowed: Callable[[list[C]], bool]
) -> tuple[list[C], list[T]]:
    """Columns and the settings that all of them have: columns that have few of them are left out.

    Args:
        table: settings by column.
        allowed: whether some columns are enough to compare.

    Returns:
        Columns and settings; no setting where none is common to columns enough.
    """
    columns = list(table)
    if not columns or not allowed(columns):
        return columns, []

    def common(chosen: list[C]) -> set[T]:
        return set.intersection(*(table[column] for column in chosen))

    def area(chosen: list[C]) -> int:
        return len(chosen) * len(common(chosen))

    while True:
        fewer = [[one for one in columns if one != gone] for gone in columns]
        best = max(filter(allowed, filter(None, fewer)), key=area, default=None)
        if best is None or (common(columns) and area(best) <= area(columns)):
            return columns, sorted(common(columns))  # type: ignore[type-var]
        columns = best
