"""What pretraining adds to training from scratch, in points and in doublings of labels."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from presight.studies.cells import NONE, Mode
from presight.studies.claims.measured import Contrast, Drawn, Measured, Place, Setting
from presight.studies.claims.wording import listed, omitted


class Unit(NamedTuple):
    """A pretraining, fine-tuned on a task of a world: a curve beside one from scratch."""

    method: str
    backbone: str
    task: str
    world: str


def labels(measured: Measured, unit: Unit, mode: Mode = "finetune") -> list[int]:
    """Usual numbers of labels that a unit and scratch were both measured with, ascending."""
    own = measured.settings(unit.method, mode) & measured.settings(NONE, "finetune")
    found = {one.n_labels for one in own if one[:3] == unit[1:]}
    return sorted(found & measured.usual(unit.task, unit.world))


def units(measured: Measured) -> list[Unit]:
    """Curves that reach from the fewest to the most labels that are usual on their task."""
    found = [
        Unit(method, *setting[:3])
        for method in measured.methods
        for setting in sorted(measured.settings(method, "finetune"))
    ]
    chosen = []
    for unit in dict.fromkeys(found):
        usual = measured.usual(unit.task, unit.world)
        if usual and {min(usual), max(usual)} <= set(labels(measured, unit)):
            chosen.append(unit)
    return chosen


def score(unit: Unit, n_labels: int, mode: Mode = "finetune") -> Contrast:
    """A unit's score with so many labels."""
    return Contrast({Place(unit.method, mode, Setting(*unit[1:], n_labels)): 1.0})


def gap(unit: Unit, n_labels: int) -> Contrast:
    """A unit's score less the one from scratch."""
    return score(unit, n_labels) - score(unit._replace(method=NONE), n_labels)


class Worth(NamedTuple):
    """What units gain, in doublings of the labels that scratch would need for the same.

    A unit's gap, the mean over its numbers of labels, is held against what scratch rises a
    doubling, from the fewest labels to the most. So tasks of different metrics and worlds of
    different difficulty have one unit; log2(1 + utility) where scratch rises evenly.

    Args:
        by_unit: of those where scratch rises clearly.
        seeds: repetitions.
        left: what was left out, in words.
    """

    by_unit: Mapping[Unit, Drawn]
    seeds: Sequence[int]
    left: str


def rise(measured: Measured, unit: Unit) -> Contrast:
    """What scratch rises a doubling of labels, over a unit's numbers of labels."""
    counts = labels(measured, unit)
    scratch = unit._replace(method=NONE)
    whole = score(scratch, counts[-1]) - score(scratch, counts[0])
    return whole * (1.0 / math.log2(counts[-1] / counts[0]))


def worth(measured: Measured, chosen: Sequence[Unit]) -> Worth:
    """Units' gains in doublings of labels."""
    grown = [unit for unit in chosen if len(labels(measured, unit)) > 1]

    def needs(unit: Unit) -> tuple[Contrast, Contrast]:
        gaps = Contrast.mean(gap(unit, n) for n in labels(measured, unit))
        return gaps, rise(measured, unit)

    kept, seeds = measured.complete(grown, needs)
    pairs = [needs(unit) for unit in kept]
    drawn = measured.draw([one for pair in pairs for one in pair], seeds) if kept else []
    found, flat = {}, []
    for unit, gaps, slope in zip(kept, drawn[::2], drawn[1::2], strict=True):
        if slope.interval().low > 0:
            found[unit] = gaps.per(slope)
        else:
            flat.append(unit)
    left = omitted(len(chosen) - len(kept), len(chosen), "curves")
    if flat:
        where = dict.fromkeys(f"{unit.task} with {unit.backbone}" for unit in flat)
        left += f" Scratch does not clearly rise with labels on {listed(where)}: left out."
    return Worth(found, seeds, left.strip())
