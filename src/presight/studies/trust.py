"""Which cheap figures order networks as the scores of a study do. No torch."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from presight.core.wording import number
from presight.evaluation.rank_correlation import spearman
from presight.studies.cells import Arm, Mode, Row

LEAST = 8
"""Networks, below which nothing is concluded."""
CHANCE = 0.05
"""Share of figures that tell nothing whose interval leaves 0 out all the same."""
FEWEST, MOST = "probe, fewest labels", "probe, most labels"
Verdict = Literal["tells", "tells nothing", "too few"]
Network = tuple[Arm, int]
Values = Mapping[Network, float]


@dataclasses.dataclass(frozen=True)
class Diagnosed:
    """Cheap figures of one network.

    Args:
        arm: whose network.
        seed: of the repetition.
        images: without labels, that were looked at.
        figures: by name in words, without labels.
        labelled: by name in words, figures that take labels and no training of the network.
    """

    arm: Arm
    seed: int
    images: int
    figures: Mapping[str, float]
    labelled: Mapping[str, float]


@dataclasses.dataclass(frozen=True)
class Downstream:
    """A score that a study measured.

    Args:
        task: its name.
        mode: frozen or finetune.
        n_labels: the most that were learned from.
        measured_on: name of the images, where there are several.
        metric: the task's first, higher is better.
    """

    task: str
    mode: Mode
    n_labels: int
    measured_on: str
    metric: str


@dataclasses.dataclass(frozen=True)
class Correlation:
    """Spearman's rho of a figure and a score.

    Args:
        figure: in words.
        takes_labels: whether it is known only with labels.
        score: of the study.
        method: within which; empty over all.
        over: networks, or arms by their mean over repetitions.
        n: of them.
        arms: that they are of.
        rho: in [-1, 1]; near either end the figure orders networks as the score does, or the other
            way round. None where one of both is the same for all.
        low: end of the 95 % interval.
        high: its other end.
        verdict: tells nothing where the interval holds 0, and too few below `LEAST`.
    """

    figure: str
    takes_labels: bool
    score: Downstream
    method: str
    over: Literal["networks", "arms"]
    n: int
    arms: int
    rho: float | None
    low: float | None
    high: float | None
    verdict: Verdict


def correlations(
    diagnosed: Sequence[Diagnosed], rows: Sequence[Row], metrics: Mapping[str, str]
) -> list[Correlation]:
    """Every figure against every score with the most labels.

    Over all networks, and within a method that has `LEAST` of them; the frozen probe's scores also
    by their means over repetitions against fine-tuning's, over arms.

    Args:
        diagnosed: the pretrained networks.
        rows: of the study; those of other arms, and of single stages, are left out.
        metrics: by task, the score that is compared.
    """
    measured = _measured(rows, {(one.arm, one.seed) for one in diagnosed}, metrics)
    figures: dict[tuple[str, bool], dict[Network, float]] = {}
    for labels in (False, True):
        for one in diagnosed:
            for name, value in (one.labelled if labels else one.figures).items():
                figures.setdefault((name, labels), {})[(one.arm, one.seed)] = value
    found: list[Correlation] = []
    for score, by_count in measured.items():
        values = by_count[score.n_labels]
        probes = _probes(score, measured)
        for (name, labels), figure in {**figures, **probes}.items():
            found += _compared(name, labels, score, figure, values)
        if score.mode == "finetune":
            for (name, _), figure in probes.items():
                both = _by_arm(figure), _by_arm(values)
                found.append(_one(name, True, score, *both, over="arms"))
    return found


Measured = Mapping[Downstream, Mapping[int, dict[Network, float]]]


def _measured(rows: Sequence[Row], networks: set[Network], metrics: Mapping[str, str]) -> Measured:
    """Scores by number of labels and network, of every task and mode."""
    found: dict[tuple[str, Mode, str], dict[int, dict[Network, float]]] = {}
    for row in rows:
        cell = row.cell
        if (cell.arm, cell.seed) in networks and not cell.stage:
            place = found.setdefault((cell.task, cell.mode, cell.measured_on), {})
            values = place.setdefault(cell.n_labels, {})
            values[(cell.arm, cell.seed)] = row.values[metrics[cell.task]]
    return {
        Downstream(task, mode, max(by_count), where, metrics[task]): by_count
        for (task, mode, where), by_count in found.items()
    }


def _probes(score: Downstream, measured: Measured) -> dict[tuple[str, bool], Values]:
    """The frozen probe's scores of the same task and images, but for the score itself."""
    found: dict[tuple[str, bool], Values] = {}
    for other, by_count in measured.items():
        alike = (other.task, other.measured_on) == (score.task, score.measured_on)
        if alike and other.mode == "frozen":
            found[(FEWEST, True)] = by_count[min(by_count)]
            found[(MOST, True)] = by_count[other.n_labels]
            if len(by_count) == 1:
                del found[(FEWEST, True)]
            if other == score:
                del found[(MOST, True)]
    return found


def _compared(
    name: str, labels: bool, score: Downstream, figure: Values, values: Values
) -> Iterator[Correlation]:
    """Over all networks, and within methods that have enough."""
    yield _one(name, labels, score, figure, values)
    methods = list(dict.fromkeys(arm.method for arm, _ in values))
    for method in methods if len(methods) > 1 else ():
        within = {network: one for network, one in values.items() if network[0].method == method}
        found = _one(name, labels, score, figure, within, method)
        if found.n >= LEAST:
            yield found


def _by_arm(values: Values) -> Values:
    """Means over repetitions."""
    arms = dict.fromkeys(arm for arm, _ in values)
    return {
        (arm, 0): float(np.mean([one for (other, _), one in values.items() if other == arm]))
        for arm in arms
    }


def _one(
    name: str,
    labels: bool,
    score: Downstream,
    figure: Values,
    values: Values,
    method: str = "",
    over: Literal["networks", "arms"] = "networks",
) -> Correlation:
    shared = [network for network in values if network in figure]
    arms = list(dict.fromkeys(arm for arm, _ in shared))
    found = None
    if len(shared) > 1:
        found = spearman(
            [figure[network] for network in shared],
            [values[network] for network in shared],
            [arms.index(arm) for arm, _ in shared],
        )
    rho, low, high = found or (None, None, None)
    verdict: Verdict = "tells nothing" if low is None or low <= 0.0 <= (high or 0.0) else "tells"
    if len(shared) < LEAST:
        verdict = "too few"
    return Correlation(
        name, labels, score, method, over, len(shared), len(arms), rho, low, high, verdict
    )


def record(found: Sequence[Correlation], images: int) -> dict[str, Any]:
    """What a study's file holds under `diagnostics`, plain JSON.

    Args:
        found: one or more.
        images: without labels, that each network was looked at with.
    """
    return {
        "images": images,
        "least": LEAST,
        "sentence": sentence(found),
        "correlations": [dataclasses.asdict(one) for one in found],
    }


def sentence(found: Sequence[Correlation]) -> str:
    """Which figures without labels to trust for the first score, fine-tuned if there is one."""
    scores = list(dict.fromkeys(one.score for one in found))
    score = next((one for one in scores if one.mode == "finetune"), scores[0])
    asked = [one for one in found if one.score == score and not one.takes_labels and not one.method]
    n, arms = max((one.n, one.arms) for one in asked)
    judged = [one for one in asked if one.verdict != "too few"]
    if not judged:
        return (
            f"{LEAST} pretrained networks are needed to say which figures to trust; here are {n}."
        )
    told = [one for one in judged if one.verdict == "tells"]
    best = sorted(told, key=lambda one: -abs(one.rho or 0.0))[:3]
    named = ", ".join(f"{one.figure} (rho {number(round(one.rho or 0.0, 2))})" for one in best)
    how = "fine-tuned" if score.mode == "finetune" else "frozen"
    where = (
        f"the order of {n} pretrained networks ({arms} arms) by {how} {score.metric} with "
        f"{score.n_labels:,} labels"
    )
    few = f"by chance about {CHANCE * len(judged):.1f} would"
    if not told:
        return f"None of {len(judged)} figures without labels tells {where}."
    verb = "tells" if len(told) == 1 else "tell"
    return (
        f"{len(told)} of {len(judged)} figures without labels {verb} {where} ({few}): "
        f"{named}{' and others' if len(told) > len(best) else ''}."
    )
