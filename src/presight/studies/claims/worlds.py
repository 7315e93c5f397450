"""Claims on data: whether harder images gain more by pretraining."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from presight.evaluation.intervals import Interval
from presight.evaluation.labels_saved import labels_needed
from presight.evaluation.replicates import Floats, middle, replicates
from presight.studies.cells import NONE
from presight.studies.claims import kinds
from presight.studies.claims.claim import Claim, Said, settled, unmeasured
from presight.studies.claims.gains import Unit, gap, labels, rise, score, units, worth
from presight.studies.claims.measured import Contrast, Drawn, Measured
from presight.studies.claims.wording import in_doublings, listed, omitted, repetitions, shown

_DATA = "survey 4, data; Newell and Deng 2020"
DIVERSITY = Said(
    "diverse data",
    "The more varies in the images, the more pretraining is worth.",
    _DATA,
)
SATURATION = Said(
    "data that saturate late",
    "The more labels a task needs until training from scratch saturates, the more pretraining is "
    "worth.",
    _DATA,
)
SATURATED = 0.95
"""Of what scratch rises from its fewest to its most labels."""


def on_worlds(measured: Measured) -> list[Claim]:
    """All claims of this file."""
    return [_diversity(measured), _saturation(measured)]


def _diversity(measured: Measured) -> Claim:
    """Slope of the gain on the number of factors that vary, by method, backbone and task."""
    known = [unit for unit in units(measured) if kinds.factors(unit.world) is not None]
    found = worth(measured, known)
    groups: dict[tuple[str, ...], dict[int, list[Drawn]]] = {}
    for unit, one in found.by_unit.items():
        count = kinds.factors(unit.world)
        assert count is not None
        groups.setdefault(unit[:3], {}).setdefault(count, []).append(one)
    slopes = [
        _slope({count: Drawn.mean(parts) for count, parts in by_count.items()})
        for by_count in groups.values()
        if len(by_count) > 1
    ]
    if not slopes:
        return unmeasured(
            DIVERSITY,
            f"Worlds with different numbers of varying factors are needed. {found.left}".strip(),
        )
    effect = Drawn.mean(slopes).interval()
    used = {count for by_count in groups.values() if len(by_count) > 1 for count in by_count}
    who = listed(shown(unit.method) for unit in found.by_unit)
    told = f"For each factor more that varies, pretraining is worth {in_doublings(effect)} more; "
    told += f"{min(used)} to {max(used)} factors, {who}, "
    told += f"on {listed(unit.task for unit in found.by_unit)}, {repetitions(len(found.seeds))}."
    return settled(DIVERSITY, effect, "doublings of labels", 1, told, seeds=len(found.seeds),
                   left=found.left)  # fmt: skip


def _slope(by_count: Mapping[int, Drawn]) -> Drawn:
    """Least squares on the count."""
    counts = np.array(list(by_count), float)
    weights = (counts - counts.mean()) / ((counts - counts.mean()) ** 2).sum()
    parts = list(by_count.values())
    draws = np.stack([one.draws for one in parts])
    return Drawn(float(weights @ [one.value for one in parts]), weights @ draws)


class Curve(NamedTuple):
    """Scratch on a backbone, task and world, and the mean gain of the methods there.

    Args:
        labels: that scratch was measured with.
        scratch: [S, L], by repetition.
        gains: [S], mean gap over methods and labels, in doublings of labels.
    """

    labels: Sequence[int]
    scratch: Floats
    gains: Floats


def _saturation(measured: Measured) -> Claim:
    """Slope of the gain on where scratch saturates."""
    grown = [unit for unit in units(measured) if len(labels(measured, unit)) > 1]
    kept, seeds = measured.complete(
        grown, lambda unit: [gap(unit, n) for n in labels(measured, unit)]
    )
    curves = list(_curves(measured, kept, seeds).values())
    if len({unit[1:] for unit in kept}) < 3 or len(seeds) < 2 or len(curves) < 3:
        return unmeasured(
            SATURATION, "Three tasks or worlds are needed where scratch rises, and two repetitions."
        )
    slopes = late_slopes(curves)
    if slopes is None:
        return unmeasured(SATURATION, "Scratch saturates with the same number of labels in all.")
    effect = Interval(float(slopes.mean()), *middle(replicates(slopes[:, None, None])[:, 0]))
    told = "For each doubling of the labels at which scratch saturates, pretraining is worth "
    told += f"{in_doublings(effect)} more; {len(curves)} curves from scratch, "
    told += f"{listed(shown(unit.method) for unit in kept)}, {repetitions(len(seeds))}."
    return settled(
        SATURATION, effect, "doublings of labels", 1, told, seeds=len(seeds),
        left=omitted(len(grown) - len(kept), len(grown), "curves"),
    )  # fmt: skip


def late_slopes(curves: Sequence[Curve]) -> Floats | None:
    """Slope of the gain on where scratch saturates, by repetition; the other ones tell where.

    Luck of scratch is in a repetition's gain and in its saturation both, and would make a slope.

    Args:
        curves: of the same repetitions, two or more.

    Returns:
        [S], in doublings of gain a doubling; None where scratch saturates alike in all curves.
    """
    gains = np.stack([curve.gains for curve in curves], 1)
    late = np.array([[_late(curve, np.delete(curve.scratch, s, 0)) for curve in curves]
                     for s in range(len(gains))])  # fmt: skip
    late -= late.mean(1, keepdims=True)
    spread = (late**2).sum(1).mean()
    slopes: Floats = (late * gains).sum(1)
    return slopes / spread if spread > 0 else None


def _curves(
    measured: Measured, kept: Sequence[Unit], seeds: Sequence[int]
) -> dict[tuple[str, ...], Curve]:
    groups: dict[tuple[str, ...], list[Unit]] = {}
    for unit in kept:
        groups.setdefault(unit[1:], []).append(unit)
    found = {}
    for key, own in groups.items():
        counts = labels(measured, own[0])
        scratch = own[0]._replace(method=NONE)
        curve = np.array(
            [[measured.value(score(scratch, n), seed) for n in counts] for seed in seeds]
        )
        gaps = Contrast.mean(gap(unit, n) for unit in own for n in labels(measured, unit))
        (slope,) = measured.draw([rise(measured, own[0])], seeds)
        if slope.interval().low > 0:
            gains = np.array([measured.value(gaps, seed) for seed in seeds]) / slope.value
            found[key] = Curve(counts, curve, gains)
    return found


def _late(curve: Curve, scratch: Floats) -> float:
    """Logarithm to base 2 of the labels at which scratch saturates, of some repetitions."""
    mean = np.maximum.accumulate(scratch.mean(0))
    target = mean[0] + SATURATED * (mean[-1] - mean[0])
    needed = labels_needed(
        mean[None], np.array([target]), np.asarray(curve.labels, np.float64), "log"
    )
    return math.log2(float(needed[0]))
