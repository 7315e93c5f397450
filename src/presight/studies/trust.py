"""Which cheap figures order networks as the scores of a study do. No torch."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from presight.evaluation.replicates import Floats, middle
from presight.studies.cells import Arm, Mode, Row

LEAST = 8
"""Networks, below which nothing is concluded."""
FEWEST, MOST = "frozen probe, fewest labels", "frozen probe, most labels"
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


def spearman(
    first: Sequence[float],
    second: Sequence[float],
    groups: Sequence[int],
    *,
    draws: int = 2000,
    seed: int = 0,
) -> tuple[float, float, float] | None:
    """Spearman's rho with a 95 % interval, where values of one group are alike.

    Groups are resampled, then values within each: ten seeds of one arm are hardly more than one
    arm. Draws in which either is the same throughout count as 0. Simulated with 4 to 12 groups of
    3: where there is no correlation the interval leaves 0 out in 1 to 8 of 100 cases, whether or
    not values of one group are alike.

    Args:
        first: [n].
        second: [n].
        groups: [n], a number for each group; of one group alone values are resampled.
        draws: bootstrap samples.
        seed: of the draws.

    Returns:
        rho, low and high; None where either is the same throughout.
    """
    pair = np.stack([np.asarray(first, np.float64), np.asarray(second, np.float64)])
    rho = float(_rho(pair[:, None])[0])
    if np.isnan(rho):
        return None
    rows = _resampled(np.asarray(groups), draws, np.random.default_rng(seed))
    return rho, *middle(np.nan_to_num(_rho(pair[:, rows])))


def _rho(pair: Floats) -> Floats:
    """[B], of pairs [2, B, n]; NaN where either is the same throughout."""
    ranks = rankdata(pair, axis=2)
    ranks -= ranks.mean(2, keepdims=True)
    lengths = np.sqrt((ranks**2).sum(2)).prod(0)
    found: Floats = np.divide(
        ranks.prod(0).sum(1), lengths, out=np.full(len(lengths), np.nan), where=lengths > 0
    )
    return found


def _resampled(
    groups: NDArray[np.int64], draws: int, generator: np.random.Generator
) -> NDArray[np.int64]:
    """Places [draws, n], each group as often as every other: as many values as the largest has."""
    _, numbers, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    count = len(sizes)
    if count == 1:
        return generator.integers(0, len(groups), (draws, len(groups)))
    order = np.argsort(numbers, kind="stable")
    starts = np.cumsum(sizes) - sizes
    drawn = generator.integers(0, count, (draws, count, 1))
    within = (generator.random((draws, count, int(sizes.max()))) * sizes[drawn]).astype(np.int64)
    found: NDArray[np.int64] = order[starts[drawn] + within].reshape(draws, -1)
    return found


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
