"""Ridge in closed form against the fits that it stands for."""

from __future__ import annotations

import time

import pytest
import torch
from sklearn.linear_model import Ridge as Reference
from torch import Tensor

from presight.errors import UsageError
from presight.evaluation.ridge import RELATIVE, ridge

CLOSE = 2e-5
"""The Gram matrix is made in float32."""


def made(n: int, d: int, classes: int = 3, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(classes, (n,), generator=generator)
    means = torch.randn(classes, d, generator=generator)
    return means[labels] + 2 * torch.randn(n, d, generator=generator) + 5.0, labels


def one_hot(labels: Tensor) -> Tensor:
    return torch.nn.functional.one_hot(labels).double()


SHAPES = [(40, 6), (24, 60)]
"""More rows than columns, and fewer: each has a path of its own."""


@pytest.mark.parametrize(("n", "d"), SHAPES)
@pytest.mark.parametrize("strength", [0.5, 30.0])
def test_it_is_the_minimum_of_penalized_least_squares(n: int, d: int, strength: float) -> None:
    features, labels = made(n, d)
    found = ridge(features, labels, strengths=[strength])
    other = Reference(alpha=strength).fit(features.double().numpy(), one_hot(labels).numpy())
    assert torch.allclose(found.weight, torch.from_numpy(other.coef_), atol=CLOSE)
    assert torch.allclose(found.bias, torch.from_numpy(other.intercept_), atol=10 * CLOSE)
    assert found.strength == strength


@pytest.mark.parametrize(("n", "d"), SHAPES)
def test_rows_left_out_without_a_second_fit(n: int, d: int) -> None:
    """Against n fits, each without a row, its bias fitted anew."""
    features, labels = made(n, d)
    targets = one_hot(labels)
    strengths = [0.3, 3.0, 100.0]
    found = dict(ridge(features, labels, strengths=strengths).tried)
    for strength in strengths:
        errors = []
        for row in range(n):
            kept = torch.arange(n) != row
            fit = Reference(alpha=strength).fit(
                features[kept].double().numpy(), targets[kept].numpy()
            )
            guess = torch.from_numpy(fit.predict(features[row : row + 1].double().numpy()))
            errors.append((targets[row] - guess[0]).square().mean())
        assert found[strength] == pytest.approx(float(torch.stack(errors).mean()), rel=1e-4)


def test_one_feature_by_hand() -> None:
    """w = Sxy / (Sxx + strength) of the centered column; two classes have opposite weights."""
    features = torch.tensor([[0.0], [1.0], [2.0], [5.0]])
    found = ridge(features, torch.tensor([4, 4, 9, 9]), strengths=[6.0])
    assert found.classes.tolist() == [4, 9]
    # Sxx = 14, Sxy = 3 for class 9.
    assert found.weight[:, 0].tolist() == pytest.approx([-3 / 20, 3 / 20], abs=1e-6)
    assert found.scores(torch.tensor([[2.0]])).tolist()[0] == pytest.approx([0.5, 0.5], abs=1e-6)
    assert found.predict(torch.tensor([[1.9], [2.1]])).tolist() == [4, 9]


def test_scores_sum_to_one_and_a_heavy_penalty_says_the_majority() -> None:
    features, labels = made(60, 5)
    found = ridge(features, labels, strengths=[1e9])
    assert torch.allclose(found.scores(features).sum(1), torch.ones(60, dtype=torch.float64))
    assert set(found.predict(features).tolist()) == {int(labels.bincount().argmax())}


def test_the_strength_with_the_least_error_is_taken() -> None:
    features, labels = made(50, 30)
    found = ridge(features, labels)
    assert len(found.tried) == len(RELATIVE)
    assert found.strength == min(found.tried, key=lambda pair: pair[1])[0]
    assert found.strength > min(strength for strength, _ in found.tried)  # noise wants a penalty


@pytest.mark.parametrize("factor", [1e-3, 1e3])
def test_neither_the_scale_nor_the_order_nor_an_offset_matters(factor: float) -> None:
    features, labels = made(80, 10)
    order = torch.randperm(80, generator=torch.Generator().manual_seed(1))
    test = made(40, 10, seed=2)[0]
    plain = ridge(features, labels).scores(test)
    other = ridge(factor * (features - 3.0)[order], labels[order]).scores(factor * (test - 3.0))
    assert torch.allclose(plain, other, atol=1e-4)


def test_features_that_are_all_equal_give_the_majority() -> None:
    labels = torch.tensor([0, 1, 1])
    assert ridge(torch.ones(3, 4), labels).predict(torch.ones(2, 4)).tolist() == [1, 1]


@pytest.mark.parametrize(
    ("features", "strengths"),
    [
        (torch.ones(1, 3), None),
        (torch.ones(4, 3), [0.0]),
        (torch.ones(4, 3), []),
    ],
)
def test_what_has_no_answer_is_refused(features: Tensor, strengths: list[float] | None) -> None:
    with pytest.raises(UsageError, match="ridge: "):
        ridge(features, torch.zeros(len(features), dtype=torch.int64), strengths=strengths)


def test_features_or_labels_that_do_not_fit_are_refused() -> None:
    with pytest.raises(UsageError, match="4 of 4 images hold NaN"):
        ridge(torch.full((4, 3), float("nan")), torch.arange(4))
    with pytest.raises(UsageError, match=r"labels \(3,\)"):
        ridge(torch.ones(4, 3), torch.arange(3))


def test_half_precision_is_no_worse_than_its_rounding() -> None:
    """A large mean in float16 is not taken off in float16."""
    features, labels = made(80, 10)
    half = (features + 100).half()
    plain, other = ridge(half.double(), labels), ridge(half, labels)
    assert torch.allclose(plain.scores(half), other.scores(half), atol=1e-5)


def test_a_monitor_can_afford_it() -> None:
    """2,000 rows of 512 features: well under a second, also on a busy machine."""
    features, labels = made(2000, 512, classes=10)
    began = time.process_time()
    ridge(features, labels)
    assert time.process_time() - began < 3.0
