"""Linear support vector machines on frozen features, one a class, from few images or from all."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from presight.core.draw import key_of, shuffled
from presight.errors import DataError, UsageError
from presight.evaluation.features import Progress, require_finite
from presight.evaluation.precision import Kind, average_precision, mean_precision_influence
from presight.evaluation.split import stratified_folds
from presight.evaluation.tasks.task import Influence

COSTS = (0.01, 0.1, 1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 50.0, 100.0, 1000.0)
"""Costs that are tried."""
SHOTS = (1, 2, 4, 8, 16, 32, 64, 96)
"""Images of each class that are learned from, in published low-shot curves."""

_FOLDS = 3
_COST = 1.0  # where there are too few images to choose
_EPS = 1e-5  # added to the length of features
_WEIGHT = {1: 2.0, -1: 1.0}  # images with the class count twice
_KIND: Kind = "envelope"
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Svms:
    """Support vector machines of all classes, measured.

    Args:
        values: each test image's part of the mean average precision (area under the envelope),
            float64 [q]; see `mean_precision_influence`.
        costs: by class, as chosen; NaN of a class without images to learn from.
        unconverged: final fits that ran out of iterations.
        scores: float64 [q, C], distances to the margin; 0 of a class that was not learned.
    """

    values: Influence
    costs: Floats
    unconverged: int
    scores: Floats

    @property
    def mean(self) -> float:
        """The mean average precision."""
        return float(self.values.mean())


@dataclass(frozen=True, eq=False)
class LowShot:
    """Machines that learned from independent samples of few images.

    Args:
        samples: one a sample.
    """

    samples: tuple[Svms, ...]

    @property
    def mean(self) -> float:
        """Of the samples' mean average precisions."""
        return float(np.mean([one.mean for one in self.samples]))

    @property
    def deviation(self) -> float:
        """Standard deviation of the samples' mean average precisions."""
        return float(np.std([one.mean for one in self.samples], ddof=1))


def svms(
    train: Tensor,
    present: Tensor,
    test: Tensor,
    test_present: Tensor,
    *,
    costs: Sequence[float] = COSTS,
    seed: int = 0,
) -> Svms:
    """One linear machine a class, from all images: squared hinge, 2 to 1 for the positives.

    The cost is chosen for each class by average precision over three stratified folds; where a
    class has fewer than three positives, or fewer than three others, it is 1.

    Args:
        train: float [n, d]; rows are divided by their length.
        present: bool [n, C], which classes each image shows; of labels, `one_hot(labels).bool()`.
        test: float [q, d].
        test_present: bool [q, C].
        costs: that are tried; of equal ones the first.
        seed: of the folds.

    Raises:
        UsageError: sizes that do not fit, features that are not finite. DataError: nothing to learn
            or nothing to find.

    Source: Goyal, Mahajan, Gupta, Misra, Scaling and Benchmarking Self-Supervised Visual
    Representation Learning, ICCV 2019, section 6.1.
    """
    _check(train, present, test, test_present)
    every = [torch.arange(len(train))] * present.shape[1]
    return _measured(train, present, test, test_present, every, costs, seed)


def low_shot(
    train: Tensor,
    present: Tensor,
    test: Tensor,
    test_present: Tensor,
    shots: int,
    *,
    samples: int = 5,
    costs: Sequence[float] = COSTS,
    seed: int = 0,
    progress: Progress | None = None,
) -> LowShot:
    """Machines from few images, several times: `shots` with a class, (C - 1) * `shots` without it.

    Args:
        train: float [n, d].
        present: bool [n, C].
        test: float [q, d].
        test_present: bool [q, C].
        shots: images of each class; where there are fewer, all of them.
        samples: independent choices of the images.
        costs: that are tried where three folds can be made of a class's images.
        seed: of the choices.
        progress: told samples done and in all.

    Raises:
        UsageError: as `svms`, or shots or samples out of range. DataError: as `svms`.

    Source: as of `svms`, section 6.2.
    """
    _check(train, present, test, test_present)
    if shots < 1 or samples < 2:
        raise UsageError(f"{shots} shots and {samples} samples; 1 and 2 or more are needed.")
    found = []
    for sample in range(samples):
        rows = [_some(own, shots, present.shape[1], (seed, "low-shot", sample, c))
                for c, own in enumerate(present.cpu().T)]  # fmt: skip
        own_seed = key_of(seed, "low-shot", sample) >> 2
        found.append(_measured(train, present, test, test_present, rows, costs, own_seed))
        if progress is not None:
            progress(sample + 1, samples)
    return LowShot(tuple(found))


def _some(own: Tensor, shots: int, classes: int, key: tuple[int | str, ...]) -> Tensor:
    """Rows of a class's sample: some that show it, and (C - 1) times as many that do not."""
    order = shuffled(len(own), *key)
    with_it, without = order[own[order]], order[~own[order]]
    return torch.cat((with_it[:shots], without[: shots * max(1, classes - 1)]))


def _measured(
    train: Tensor,
    present: Tensor,
    test: Tensor,
    test_present: Tensor,
    rows: Sequence[Tensor],
    costs: Sequence[float],
    seed: int,
) -> Svms:
    """Machines that learn each class from rows of its own."""
    learned, asked = _unit(train), _unit(test)
    scores = np.zeros((len(asked), present.shape[1]))
    chosen, unconverged = np.full(present.shape[1], np.nan), 0
    for c, some in enumerate(rows):
        features, own = learned[some.numpy()], present.cpu()[some, c]
        if bool(own.all()) or not bool(own.any()):
            continue  # nothing tells the class from others
        chosen[c] = _cost(features, own, costs, seed)
        values, converged = _distances(features, own, asked, chosen[c])
        scores[:, c] = values
        unconverged += not converged
    if np.isnan(chosen).all():
        raise DataError("no class has images with it and images without it to learn from.")
    values = mean_precision_influence(scores, test_present.cpu().numpy(), _KIND)
    return Svms(values, chosen, unconverged, scores)


def _unit(features: Tensor) -> Floats:
    """Rows of about length 1, for liblinear in float64."""
    rows = features.cpu().double()
    found: Floats = (rows / (rows.norm(dim=1, keepdim=True) + _EPS)).numpy()
    return found


def _cost(features: Floats, own: Tensor, costs: Sequence[float], seed: int) -> float:
    """The cost of the best average precision over three folds."""
    if min(int(own.sum()), int((~own).sum())) < _FOLDS or len(costs) == 1:
        return costs[0] if len(costs) == 1 else _COST
    folds = [(kept, held) for kept, held in stratified_folds(own.long(), 1 / _FOLDS, seed, _FOLDS)
             if bool(own[held].any()) and bool(own[kept].any())]  # fmt: skip
    if not folds:
        return _COST

    def precision(cost: float) -> float:
        total = 0.0
        for kept, held in folds:
            asked = features[held.numpy()]
            values, _ = _distances(features[kept.numpy()], own[kept], asked, cost)
            total += average_precision(values, own[held].numpy(), _KIND)
        return total

    return max(costs, key=precision)


def _distances(features: Floats, own: Tensor, asked: Floats, cost: float) -> tuple[Floats, bool]:
    """Signed distances [q] by a machine of one class, and whether its solver converged."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.svm import LinearSVC

    machine = LinearSVC(C=cost, class_weight=_WEIGHT, dual=True, tol=1e-4, max_iter=2000,
                        random_state=0)  # fmt: skip
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        machine.fit(features, np.where(own.numpy(), 1, -1))
    values: Floats = machine.decision_function(asked)
    return values, not any(issubclass(one.category, ConvergenceWarning) for one in caught)


def _check(train: Tensor, present: Tensor, test: Tensor, test_present: Tensor) -> None:
    for features, shown in ((train, present), (test, test_present)):
        if features.ndim != 2 or shown.ndim != 2 or len(shown) != len(features):
            raise UsageError(
                f"features must be [n, d] with classes [n, C]; received {tuple(features.shape)} "
                f"and {tuple(shown.shape)}. Pool feature maps first."
            )
        require_finite(features)
    if train.shape[1] != test.shape[1] or present.shape[1] != test_present.shape[1]:
        raise UsageError("train and test must have features of one width, and the same classes.")
