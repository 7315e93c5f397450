"""The claim that a pretrained network learns its task in fewer updates."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from presight.evaluation.intervals import Interval
from presight.evaluation.replicates import middle, replicates
from presight.studies.cells import NONE
from presight.studies.claims.claim import Claim, Said, settled, unmeasured
from presight.studies.claims.gains import Unit, gap, labels, units
from presight.studies.claims.measured import Measured, Place, Setting
from presight.studies.claims.wording import in_doublings, omitted, scope

FASTER = Said(
    "pretraining converges faster",
    "A pretrained network learns its task in fewer updates than a new one.",
    "survey 4",
)
REACHED = 0.95
"""Of scratch's final score, that both are timed to."""


def on_speed(measured: Measured) -> list[Claim]:
    """The claim of this file: updates to 95 % of what scratch reaches in the end."""
    return [_faster(measured)]


Piece = tuple[Unit, int]


def _faster(measured: Measured) -> Claim:
    pieces = [(unit, n) for unit in units(measured) for n in labels(measured, unit)]
    kept, seeds = measured.complete(pieces, lambda piece: [gap(*piece)])
    ratios: dict[Piece, list[float]] = {}
    unreached = 0
    for unit, n in kept:
        own, scratch = (
            [_trace(measured, unit._replace(method=method), n, seed) for seed in seeds]
            for method in (unit.method, NONE)
        )
        if not all(own) or not all(scratch):
            continue
        targets = _targets(scratch)
        if min(targets) <= 0:
            continue
        timed = list(zip(own, scratch, targets, strict=True))
        unreached += sum(max(fast.values()) < target for fast, _, target in timed)
        ratios[unit, n] = [
            _steps(slow, target) - _steps(fast, target) for fast, slow, target in timed
        ]
    if not ratios:
        return unmeasured(
            FASTER,
            "Scores while fine-tuning are needed, with pretraining and from scratch; they are kept "
            "where a part of the labels is held out.",
        )
    by_seed = np.mean(list(ratios.values()), axis=0)
    effect = Interval(float(by_seed.mean()), *middle(replicates(by_seed[:, None, None])[:, 0]))
    words = f"To 95 % of what scratch reaches, pretraining saves {in_doublings(effect, 'updates')}"
    words += f": {2**-effect.value:.0%} of scratch's updates; "
    words += f"{scope([gap(*piece) for piece in ratios], seeds)}."
    if unreached:
        words += f" {unreached} of {len(ratios) * len(seeds)} never reached it and count as the end"
        words += " of their training."
    left = omitted(len(pieces) - len(ratios), len(pieces), "pairs of curves")
    return settled(FASTER, effect, "doublings of updates", 1, words, seeds=len(seeds), left=left)


def _targets(scratch: Sequence[Mapping[int, float]]) -> list[float]:
    """What is timed to, by repetition: 95 % of what scratch reaches in the others.

    By its own end scratch would always be in time, and never by much luck too late.
    """
    ends = np.array([list(trace.values())[-1] for trace in scratch])
    others = (ends.sum() - ends) / (len(ends) - 1) if len(ends) > 1 else ends
    return [REACHED * float(end) for end in others]


def _trace(measured: Measured, unit: Unit, n_labels: int, seed: int) -> dict[int, float]:
    """Score by number of updates, ascending; empty where none was kept."""
    place = Place(unit.method, "finetune", Setting(*unit[1:], n_labels))
    told: Mapping[str, Any] = measured.row(place, seed).details.get("trace") or {}
    return dict(sorted(zip(told.get("updates", ()), told.get("scores", ()), strict=True)))


def _steps(trace: Mapping[int, float], target: float) -> float:
    """Logarithm to base 2 of the first updates that reach a score; of the last where none does."""
    reached: Sequence[int] = [at for at, score in trace.items() if score >= target]
    return math.log2(max(1, min(reached, default=max(trace))))
