"""What it gains to choose the images to label by their features, and not to draw them at random."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from presight.core.draw import Draw
from presight.errors import UsageError
from presight.evaluation.embedding.choose import typical
from presight.evaluation.intervals import Interval
from presight.evaluation.labels_saved import Utility, utilities
from presight.evaluation.probes import linear_answers
from presight.evaluation.replicates import Floats, middle, replicates
from presight.evaluation.split import stratified_order
from presight.evaluation.tasks.classification import Classification
from presight.evaluation.tasks.sets import TaskDivision
from presight.studies.cells import Arm
from presight.studies.kept import kept
from presight.studies.rows import packed, unpacked

KINDS = ("random", "stratified", "selected")
"""Drawn without a look; drawn with the classes in proportion, which takes labels; by features."""
DRAWS = 3


@dataclasses.dataclass(frozen=True, eq=False)
class Pool:
    """Images of a class each: some to choose from, others to measure on.

    Args:
        labels: int64 [n], of those to choose from.
        keys: int64 [n], what random draws go by.
        truth: int64 [m], of those that are measured on.
        fingerprint: of both sets.
    """

    labels: Tensor
    keys: Tensor
    truth: Tensor
    fingerprint: str

    @staticmethod
    def of(division: TaskDivision) -> Pool:
        """The pool of a division whose task is classification.

        Raises:
            UsageError: another task: what is typical of a class is measured on classes.
        """
        train, test = division.train.task, division.test.task
        if not isinstance(train, Classification) or not isinstance(test, Classification):
            raise UsageError(f"selection is measured on classification, not on {train.name}.")
        prints = division.train.fingerprint, division.test.fingerprint, division.kind
        return Pool(
            train.labels[division.train_rows],
            division.train.keys(division.train_rows),
            test.labels[division.test_rows],
            "-".join(prints),
        )

    def counts(self) -> list[int]:
        """Few labels: 1, 2, 4, 8 and 16 a class on average, up to half of the images."""
        classes = len(torch.unique(self.labels))
        most = len(self.labels) // 2
        return [n for n in (classes * 2**power for power in range(5)) if n <= most]


@dataclasses.dataclass(frozen=True)
class Chosen:
    """How a network's features did with labels of each kind.

    Args:
        arm: whose network.
        seed: of the repetition.
        counts: numbers of labels.
        n_test: images.
        correct: by kind, draw and number of labels: which test images were answered right, packed.
        classes: by kind: classes seen at each number of labels, mean over draws.
    """

    arm: Arm
    seed: int
    counts: Sequence[int]
    n_test: int
    correct: Mapping[str, Sequence[Sequence[str]]]
    classes: Mapping[str, Sequence[float]]

    def results(self) -> NDArray[np.float32]:
        """float32 [draws, kinds, counts, images], 1 where the answer was right."""
        return np.stack(
            [
                [[unpacked(word, self.n_test) for word in draw] for draw in self.correct[kind]]
                for kind in KINDS
            ],
            axis=1,
        )


def selected(
    arm: Arm,
    seed: int,
    features: Callable[[], tuple[Tensor, Tensor]],
    pool: Pool,
    folder: Path,
    *,
    weights: Mapping[str, Any],
    draws: int = DRAWS,
) -> Chosen | None:
    """Measure a network, or read what was measured of it before.

    Args:
        arm: whose network.
        seed: of the repetition; the random labels are the same for all arms.
        features: gives those of the pool's images, float [n, d], and of the test's, [m, d].
        pool: images and labels.
        folder: for one small file a network.
        weights: which they are, plain JSON.
        draws: choices of labels of each kind.

    Returns:
        None where the pool is too small for two numbers of labels.
    """
    counts = pool.counts()
    if len(counts) < 2:
        return None
    about = {"pool": pool.fingerprint, "counts": counts, "draws": draws, "weights": weights}

    def measured() -> dict[str, Any]:
        return dataclasses.asdict(_measured(arm, seed, *features(), pool, counts, draws))

    told = kept(folder, arm, seed, about, measured)
    return Chosen(**{**told, "arm": arm})


def choose(kind: str, bank: Tensor, pool: Pool, n: int, seed: int) -> Tensor:
    """Rows of the pool to label, int64 [n].

    Args:
        kind: one of `KINDS`; only `stratified` looks at labels.
        bank: float [n, d], features.
        pool: the images.
        n: how many.
        seed: of the draw, or of the clusters.
    """
    if kind == "selected":
        return typical(bank, n, seed=seed)
    if kind == "stratified":
        return stratified_order(pool.labels, seed, "labels", pool.keys)[:n]
    drawn = Draw(seed, 0, pool.keys).integers("labels at random", (), 2**62)
    return torch.argsort(drawn, stable=True)[:n]


def _measured(
    arm: Arm, seed: int, bank: Tensor, queries: Tensor, pool: Pool, counts: list[int], draws: int
) -> Chosen:
    correct: dict[str, list[list[str]]] = {kind: [] for kind in KINDS}
    classes: dict[str, list[float]] = {kind: [0.0] * len(counts) for kind in KINDS}
    for kind in KINDS:
        for draw in range(seed * draws, (seed + 1) * draws):
            words = []
            for at, n in enumerate(counts):
                rows = choose(kind, bank, pool, n, draw)
                labels = pool.labels[rows]
                answers, _ = linear_answers(bank[rows], labels, queries, draw)
                words.append(packed((answers == pool.truth).double().numpy()))
                classes[kind][at] += len(torch.unique(labels)) / draws
            correct[kind].append(words)
    return Chosen(arm, seed, counts, len(pool.truth), correct, classes)


@dataclasses.dataclass(frozen=True)
class Gain:
    """What selection gains with an arm's features.

    Args:
        arm: whose.
        networks: repetitions of pretraining.
        draws: choices of labels of each kind, for each network.
        counts: numbers of labels.
        scores: by kind, with 95 % intervals, at each number of labels.
        classes: by kind, classes seen at each number of labels.
        gains: selected less random and selected less stratified, shares, at each number of labels.
        mean: of the gains over all numbers of labels.
        saved: labels that drawing takes for the score of those selected.
    """

    arm: Arm
    networks: int
    draws: int
    counts: Sequence[int]
    scores: Mapping[str, Sequence[Interval]]
    classes: Mapping[str, Sequence[float]]
    gains: Mapping[str, Sequence[Interval]]
    mean: Mapping[str, Interval]
    saved: Mapping[str, Sequence[Utility]]


def gain(networks: Sequence[Chosen]) -> Gain:
    """Selection against drawing, paired by test image, network and number of labels.

    Intervals are over networks and test images, each network's draws averaged; of a single network
    they are over its draws and test images.

    Args:
        networks: of one arm, one or more, measured alike.
    """
    first = networks[0]
    stacked = np.stack([one.results() for one in networks])
    draws = stacked.shape[1]
    # Draws of one network share it, and are no repetitions where there are several networks.
    units = stacked[0] if len(networks) == 1 else stacked.mean(1)
    repetitions, kinds, size, n_test = units.shape
    results = units.reshape(repetitions, kinds * size, n_test)
    means, drawn = results.mean((0, 2), dtype=np.float64), replicates(results)
    at = {kind: slice(k * size, (k + 1) * size) for k, kind in enumerate(KINDS)}
    others, best = KINDS[:2], at["selected"]
    apart = {kind: (means[best] - means[at[kind]], drawn[:, best] - drawn[:, at[kind]])
             for kind in others}  # fmt: skip
    both = {kind: np.r_[at[kind], best] for kind in others}
    return Gain(
        first.arm,
        len(networks),
        draws,
        first.counts,
        {kind: _intervals(means[at[kind]], drawn[:, at[kind]].clip(0.0, 1.0)) for kind in KINDS},
        {kind: np.mean([one.classes[kind] for one in networks], 0).tolist() for kind in KINDS},
        {kind: _intervals(*pair) for kind, pair in apart.items()},
        {kind: _intervals(value.mean(keepdims=True), all.mean(1, keepdims=True))[0]
         for kind, (value, all) in apart.items()},
        {kind: utilities(means[where], drawn[:, where], labels=first.counts)
         for kind, where in both.items()},
    )  # fmt: skip


def record(gains: Sequence[Gain]) -> dict[str, Any]:
    """What a study's file holds under `selection`; plain but for infinite ends of intervals.

    Args:
        gains: the arm that the study recommends first; one or more.
    """
    return {"sentence": sentence(gains[0]), "arms": [dataclasses.asdict(one) for one in gains]}


def sentence(found: Gain) -> str:
    """What selection gains over random labels, in words."""
    few, many = found.counts[0], found.counts[-1]
    value, low, high = (100.0 * one for one in found.mean["random"])
    where = f"With {few:,} to {many:,} labels and the features of {found.arm}"
    told = f"{value:+.1f} points on average (95 % interval {low:+.1f} to {high:+.1f})"
    if low <= 0.0 <= high:
        return f"{where}, choosing images cannot be told from drawing them at random: {told}."
    word = "beats" if value > 0 else "is worse than"
    return f"{where}, choosing images {word} drawing them at random: {told}.{_work(found)}"


def _work(found: Gain) -> str:
    """Labels saved, at the fewest labels where that can be measured."""
    for one in found.saved["random"]:
        if one.status == "ok" and one.low > 0:
            value, low, high = one.equivalent
            upper = f"{high:,.0f}" if math.isfinite(high) else f"more than {found.counts[-1]:,}"
            return (
                f" {one.n_labels:,} chosen do the work of {value:,.0f} drawn (95 % interval "
                f"{low:,.0f} to {upper})."
            )
    return ""


def _intervals(means: Floats, drawn: Floats) -> list[Interval]:
    return [Interval(float(value), *middle(drawn[:, k])) for k, value in enumerate(means)]
