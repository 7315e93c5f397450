from __future__ import annotations

import pytest
import torch
from sklearn.linear_model import LogisticRegression

from presight.evaluation import logistic
from presight.evaluation.logistic import Fit, Plain, Problem, fit, minimize

SOLVERS = ["scikit-learn", "own"]


def problem(n: int = 200, d: int = 20, c: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(n) % c
    centers = torch.randn(c, d, generator=generator)
    return centers[labels] + 2 * torch.randn(n, d, generator=generator) + 3.0, labels


@pytest.fixture(params=SOLVERS)
def solver(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "own":
        monkeypatch.setattr(logistic, "_by_sklearn", minimize)
    return str(request.param)


def solve(
    x: torch.Tensor, y: torch.Tensor, *strengths: float, tolerance: float = 1e-6
) -> list[Fit]:
    return list(fit(x, y, strengths, n_classes=int(y.max()) + 1, tolerance=tolerance))


def objective(found: Fit, x: torch.Tensor, y: torch.Tensor, strength: float) -> torch.Tensor:
    weight = found.weight.double().requires_grad_()
    bias = found.bias.double().requires_grad_()
    loss = torch.nn.functional.cross_entropy(x.double() @ weight.T + bias, y, reduction="sum")
    value = loss + 0.5 * strength * weight.square().sum()
    value.backward()
    return torch.cat((weight.grad.flatten(), bias.grad))  # type: ignore[union-attr]


@pytest.mark.usefixtures("solver")
def test_the_penalty_shrinks_the_weights_of_a_separable_problem() -> None:
    x = torch.tensor([[-2.0], [-1.0], [1.0], [2.0], [5.0], [6.0]])
    y = torch.tensor([0, 0, 1, 1, 2, 2])
    fits = solve(x, y, 10.0, 1.0, 0.1, 0.01)
    norms = [float(found.weight.norm()) for found in fits]
    assert norms == sorted(norms)
    assert (fits[-1].logits(x).argmax(1) == y).all()


@pytest.mark.usefixtures("solver")
@pytest.mark.parametrize("strength", [0.1, 10.0])
def test_gradient_vanishes_at_the_optimum(strength: float) -> None:
    x, y = problem()
    (found,) = solve(x, y, strength)
    start = Fit(torch.zeros(4, 20), torch.zeros(4), False, 0)
    ratio = objective(found, x, y, strength).norm() / objective(start, x, y, strength).norm()
    assert found.converged
    assert ratio < 1e-4


@pytest.mark.usefixtures("solver")
@pytest.mark.parametrize("classes", [2, 4])
def test_coefficients_of_scikit_learn(classes: int) -> None:
    x, y = problem(c=classes)
    (found,) = solve(x, y, 4.0)
    halves = 2.0 if classes == 2 else 1.0
    other = LogisticRegression(C=halves / 4.0, tol=1e-8, max_iter=5000).fit(x.double().numpy(), y)
    weight = torch.tensor(other.coef_).float()
    if classes == 2:
        weight = torch.cat((-weight, weight)) / 2
    assert torch.allclose(found.weight, weight, atol=1e-3)


@pytest.mark.usefixtures("solver")
def test_an_infinite_penalty_leaves_the_classes_shares() -> None:
    x, _ = problem(100)
    y = torch.tensor([0] * 50 + [1] * 30 + [2] * 20)
    (found,) = solve(x, y, 1e9)
    assert torch.allclose(
        found.logits(x).softmax(1), torch.tensor([0.5, 0.3, 0.2]).expand(100, 3), atol=1e-4
    )


@pytest.mark.usefixtures("solver")
def test_twice_the_data_and_twice_the_penalty_change_nothing() -> None:
    x, y = problem()
    once, twice = solve(x, y, 3.0)[0], solve(x.repeat(2, 1), y.repeat(2), 6.0)[0]
    assert torch.allclose(once.weight, twice.weight, atol=1e-4)


@pytest.mark.usefixtures("solver")
def test_the_features_scale_moves_into_the_weights() -> None:
    """Without the inner scaling a tolerance on the gradient stops tiny features at once."""
    x, y = problem()
    plain, tiny = solve(x, y, 3.0, tolerance=1e-4)[0], solve(x * 1e-4, y, 3e-8, tolerance=1e-4)[0]
    assert torch.allclose(plain.weight, tiny.weight * 1e-4, atol=1e-3)


@pytest.mark.usefixtures("solver")
def test_more_coordinates_than_images() -> None:
    x, y = problem(30, 90)
    (found,) = solve(x, y, 2.0)
    start = Fit(torch.zeros(4, 90), torch.zeros(4), False, 0)
    assert objective(found, x, y, 2.0).norm() < 1e-3 * objective(start, x, y, 2.0).norm()


@pytest.mark.usefixtures("solver")
def test_running_out_of_iterations_is_recorded() -> None:
    x, y = problem()
    (found,) = fit(x, y, [1e-4], n_classes=4, tolerance=1e-9, max_iter=2)
    assert not found.converged


def test_plain_coordinates_keep_all_inner_products() -> None:
    x, _ = problem(10, 50)
    plain = Plain.of(x)
    centered = (x - x.mean(0)) / plain.scale
    assert plain.rows.shape == (10, 10)
    assert torch.allclose(plain.rows @ plain.rows.T, centered @ centered.T, atol=1e-4)


def test_both_solvers_agree_over_the_path() -> None:
    x, y = problem()
    plain = Plain.of(x)
    path = [100.0, 1.0, 0.01]
    asked = Problem(plain.rows, y, 4, 1e-7, 2000)
    mine, theirs = minimize(asked, path), logistic._by_sklearn(asked, path)
    for (weight, _, converged, _), (other, _, _, _) in zip(mine, theirs, strict=True):
        assert converged
        assert torch.allclose(weight, other, atol=2e-3 * float(other.abs().max()))


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("solver", ["sklearn", "own"])
def test_where_it_begins_does_not_change_where_it_ends(
    classes: int, solver: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a part's solution, also in more coordinates than images; fewer steps are taken."""
    if solver == "own":
        monkeypatch.setattr(logistic, "_by_sklearn", logistic.minimize)
    generator = torch.Generator().manual_seed(classes)
    for n, d in ((120, 8), (40, 60)):
        features = torch.randn(n, d, generator=generator) + 3.0
        labels = torch.arange(n) % classes
        (cold,) = fit(features, labels, [1.0], n_classes=classes, tolerance=1e-6)
        (warm,) = fit(features, labels, [1.0], n_classes=classes, tolerance=1e-6, start=cold)
        assert (warm.logits(features) - cold.logits(features)).abs().max() < 1e-3
        assert warm.iterations <= 2 < cold.iterations
