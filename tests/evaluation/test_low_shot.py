"""Machines of few images and of all: scikit-learn's, with the published settings."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from torch import Tensor

from presight.errors import DataError, UsageError
from presight.evaluation import low_shot as module
from presight.evaluation.low_shot import COSTS, SHOTS, low_shot, svms

FEW = (0.1, 1.0, 10.0)


def made(n: int = 90, seed: int = 0, noise: float = 0.3) -> tuple[Tensor, Tensor]:
    """Two classes that are there or not, independently, and one that the first implies."""
    generator = torch.Generator().manual_seed(seed)
    present = torch.rand(n, 3, generator=generator) < 0.3
    present[:, 2] |= present[:, 0]
    features = present.float() @ torch.eye(3, 8) + 0.5
    return features + noise * torch.randn(n, 8, generator=generator), present


def squared_hinge(features: NDArray[np.float64], signs: NDArray[np.float64], cost: float) -> object:
    """The same machine by another solver: bias penalized as liblinear does, positives twice."""
    wide = np.hstack([features, np.ones((len(features), 1))])
    weights = cost * np.where(signs > 0, 2.0, 1.0)

    def value(w: NDArray[np.float64]) -> float:
        short = np.maximum(0.0, 1.0 - signs * (wide @ w))
        return float(0.5 * w @ w + weights @ short**2)

    return minimize(value, np.zeros(wide.shape[1]), method="BFGS").x


def test_a_machine_is_the_minimum_of_the_squared_hinge() -> None:
    features, present = made(40)
    rows, own = module._unit(features), present[:, 0]
    signs = np.where(own.numpy(), 1.0, -1.0)
    weight = np.asarray(squared_hinge(rows, signs, 2.0))
    values, converged = module._distances(rows, own, rows, 2.0)
    assert converged
    assert values == pytest.approx(rows @ weight[:-1] + weight[-1], abs=2e-2)


def test_the_published_grids() -> None:
    assert COSTS == (0.01, 0.1, 1, 2, 5, 10, 15, 20, 50, 100, 1000)
    assert SHOTS == (1, 2, 4, 8, 16, 32, 64, 96)


def test_features_have_about_length_one() -> None:
    rows = module._unit(torch.tensor([[3.0, 4.0], [0.0, 0.0]]))
    assert np.linalg.norm(rows, axis=1) == pytest.approx([5 / (5 + 1e-5), 0.0])


def test_what_can_be_learned_is_found() -> None:
    found = svms(*made(noise=0.2), *made(60, seed=1, noise=0.2), costs=FEW)
    assert found.mean > 0.9
    assert found.values.shape == (60,)
    assert set(found.costs) <= set(FEW)
    assert found.unconverged == 0
    noise = torch.randn(90, 8, generator=torch.Generator().manual_seed(2))
    _, present = made()
    test, truth = made(60, seed=1)
    chance = float(truth.float().mean(0).mean())
    assert svms(noise, present, test, truth, costs=FEW).mean < chance + 0.25


def test_the_cost_is_the_best_on_folds_of_train() -> None:
    """A cost that fits nothing loses on the folds, whatever comes first."""
    features, present = made()
    rows = module._unit(features)
    tried: list[tuple[int, int, float]] = []
    machine = module._distances

    def watched(kept: NDArray[np.float64], own: Tensor, asked: NDArray[np.float64], cost: float):  # type: ignore[no-untyped-def]
        tried.append((len(kept), len(asked), cost))
        values, converged = machine(kept, own, asked, cost)
        return (values if cost == 10.0 else -values), converged

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_distances", watched)
        assert module._cost(rows, present[:, 0], FEW, 0) == 10.0
    assert tried == [(60, 30, cost) for cost in FEW for _ in range(3)]


def test_few_images_take_the_middle_cost() -> None:
    own = torch.tensor([True] * 2 + [False] * 20)
    assert module._cost(module._unit(torch.randn(22, 4)), own, FEW, 0) == 1.0


def test_a_sample_has_so_many_with_the_class_and_others_by_the_number_of_classes() -> None:
    own = torch.arange(100) % 5 == 0
    some = module._some(own, 4, 3, (0, "x", 0, 0))
    assert len(torch.unique(some)) == len(some) == 4 + 2 * 4
    assert int(own[some].sum()) == 4
    assert len(module._some(own, 30, 3, (0,))) == 20 + 60  # no more than there are


def test_more_shots_are_better_and_samples_differ() -> None:
    train, test = made(200, noise=0.6), made(60, seed=1, noise=0.6)
    one, many = (low_shot(*train, *test, shots, samples=3, costs=(1.0,)) for shots in (1, 32))
    assert many.mean > one.mean
    assert one.deviation > many.deviation
    means = [sample.mean for sample in one.samples]
    assert len(set(means)) == 3
    assert one.mean == pytest.approx(np.mean(means))
    assert one.deviation == pytest.approx(np.std(means, ddof=1))


def test_a_class_that_was_not_learned_is_at_chance() -> None:
    train, present = made()
    present[:, 1] = False
    test, truth = made(60, seed=1)
    found = svms(train, present, test, truth, costs=(1.0,))
    assert np.isnan(found.costs[1])
    assert not found.scores[:, 1].any()
    with pytest.raises(DataError, match="no class has"):
        svms(train, present & False, test, truth)


def test_refuses() -> None:
    train, present = made()
    with pytest.raises(UsageError, match="shots"):
        low_shot(train, present, train, present, 0)
    with pytest.raises(UsageError, match="Pool"):
        svms(train, present[:3], train, present)
    with pytest.raises(UsageError, match="one width"):
        svms(train, present, train[:, :3], present)
    with pytest.raises(UsageError, match="NaN"):
        svms(train / 0.0, present, train, present)
