"""Multinomial logistic regression at several strengths: scikit-learn on a CPU, L-BFGS elsewhere.

    sum_i cross_entropy(W x_i + b, y_i) + strength / 2 * |W|^2

The bias is not penalized. Features are centered, divided by one number, and, where there are more
coordinates than images, expressed in an orthonormal basis of what they span. None of the three
changes the solution, but all make it cheaper and its tolerance independent of the features' scale.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from presight.evaluation.threads import pools

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression

_HISTORY = 10
_HALVINGS = 25
_LOGITS = 2**26  # logits held at a time
_BLOCK = 4096  # rows of features summed at a time
_ONE_THREAD = 2**24  # numbers of a problem that is solved on one thread
_SMALL = 2**22  # numbers of a problem that is cheap enough for float64


@dataclass(frozen=True, slots=True)
class Fit:
    """A solution: logits are `features @ weight.T + bias`.

    Args:
        weight: float32 [C, d].
        bias: float32 [C].
        converged: whether the gradient became small enough before the iterations ran out.
        iterations: that the solver took.
    """

    weight: Tensor
    bias: Tensor
    converged: bool
    iterations: int

    def logits(self, features: Tensor) -> Tensor:
        """Float32 [n, C]."""
        return features.float() @ self.weight.T + self.bias


@dataclass(frozen=True, slots=True)
class Plain:
    """The same features in plainer coordinates: (features - mean) / scale @ basis."""

    rows: Tensor
    mean: Tensor
    scale: float
    basis: Tensor | None

    @staticmethod
    def of(features: Tensor) -> Plain:
        """Center, scale by the root mean square and, where d > n, rotate into n coordinates."""
        # By parts: float64 copies of all features would be the largest thing in memory.
        sums = [part.sum(0, dtype=torch.float64) for part in torch.split(features, _BLOCK)]
        mean = (torch.stack(sums).sum(0) / len(features)).to(features.dtype)
        rows = features - mean
        scale = float(rows.std(correction=0)) or 1.0
        rows /= scale
        if rows.shape[1] <= rows.shape[0]:
            return Plain(rows, mean, scale, None)
        basis, triangle = torch.linalg.qr(rows.T)
        return Plain(triangle.T.contiguous(), mean, scale, basis)

    def into(self, start: Fit) -> tuple[Tensor, Tensor]:
        """Weight [C, k] and bias [C] of a solution in the plainer coordinates."""
        weight = start.weight * self.scale
        bias = start.bias + start.weight @ self.mean
        return (weight if self.basis is None else weight @ self.basis), bias

    def back(self, weight: Tensor, bias: Tensor, converged: bool, iterations: int) -> Fit:
        """The solution in the features' own coordinates."""
        if self.basis is not None:
            weight = weight @ self.basis.T
        weight = weight / self.scale
        return Fit(weight, bias - weight @ self.mean, converged, iterations)


def fit(
    features: Tensor,
    labels: Tensor,
    strengths: Sequence[float],
    *,
    n_classes: int,
    tolerance: float = 1e-4,
    max_iter: int = 1000,
    start: Fit | None = None,
) -> Iterator[Fit]:
    """Solutions down a path of strengths, one when it is asked for.

    Args:
        features: float [n, d]; the device decides the solver.
        labels: int64 [n], 0..n_classes-1, each of them at least once.
        strengths: of the penalty, positive, from strong to weak: on a CPU each starts at the
            solution before, elsewhere all are solved together.
        n_classes: two or more.
        tolerance: of the mean loss's gradient, for features of unit scale.
        max_iter: iterations of a strength.
        start: a solution to begin at, such as that of a part of the rows; it does not change where
            the problem ends.
    """
    plain = Plain.of(features.float())
    inner = [strength / plain.scale**2 for strength in strengths]
    solve = _by_sklearn if features.device.type == "cpu" else minimize
    begin = None if start is None else plain.into(start)
    problem = Problem(plain.rows, labels, n_classes, tolerance, max_iter, begin)
    for solution in solve(problem, inner):
        yield plain.back(*solution)


Solution = tuple[Tensor, Tensor, bool, int]


@dataclass(frozen=True, slots=True)
class Problem:
    """What a solver is given, but for the strengths.

    Args:
        rows: float [n, k], plain.
        labels: int64 [n].
        classes: C.
        tolerance: of the mean loss's gradient.
        max_iter: iterations of a strength.
        start: weight [C, k] and bias [C] to begin at; without them the classes' shares.
    """

    rows: Tensor
    labels: Tensor
    classes: int
    tolerance: float
    max_iter: int
    start: tuple[Tensor, Tensor] | None = None

    def begin(self) -> tuple[Tensor, Tensor]:
        """Weight [C, k] and bias [C] where every solver starts."""
        if self.start is not None:
            return self.start
        shares = torch.bincount(self.labels, minlength=self.classes).double() / len(self.labels)
        return self.rows.new_zeros(self.classes, self.rows.shape[1]), shares.log()


def _by_sklearn(problem: Problem, strengths: list[float]) -> Iterator[Solution]:
    """One strength after the other, each started at the one before."""
    from sklearn.linear_model import LogisticRegression

    # Of two classes scikit-learn fits one row w = w1 - w0, whose penalty is half as large.
    two = 2.0 if problem.classes == 2 else 1.0
    rows, labels, tol = problem.rows, problem.labels, problem.tolerance
    rows = rows.double() if rows.numel() <= _SMALL else rows
    model = LogisticRegression(tol=tol, max_iter=problem.max_iter, warm_start=True)
    weight, bias = problem.begin()
    if problem.classes == 2:
        weight, bias = weight[1:] - weight[:1], bias[1:] - bias[:1]
    model.coef_ = weight.to(rows.dtype).numpy()
    model.intercept_ = bias.to(rows.dtype).numpy()
    for strength in strengths:
        model.set_params(C=two / strength)
        in_time = _fit_model(model, rows, labels)
        weight, bias = torch.tensor(model.coef_), torch.tensor(model.intercept_)
        if problem.classes == 2:
            weight, bias = torch.cat((-weight, weight)) / 2, torch.cat((-bias, bias)) / 2
        theta = torch.cat((weight.T, bias[None]))[None].to(rows.dtype)
        penalty = theta.new_tensor([strength / len(rows)])
        # The library also stops where the value no longer falls; the gradient tells which it was.
        gradient = _value_and_gradient(theta, rows, labels, penalty)[1].abs().max()
        converged = in_time and float(gradient) <= 2.0 * tol
        yield weight.float(), bias.float(), converged, int(model.n_iter_.max())


def _fit_model(model: LogisticRegression, rows: Tensor, labels: Tensor) -> bool:
    """Fit; False where the iterations ran out. Other warnings than that one are passed on."""
    from sklearn.exceptions import ConvergenceWarning

    # Products of a few columns: threads gain little, and lose much where other work runs beside.
    threads = 1 if rows.numel() <= _ONE_THREAD else None
    with warnings.catch_warnings(record=True) as caught, pools().limit(limits=threads):
        warnings.simplefilter("always")
        model.fit(rows.numpy(), labels.numpy())
    for other in caught:
        if not issubclass(other.category, ConvergenceWarning):
            warnings.warn_explicit(other.message, other.category, other.filename, other.lineno)
    return not any(issubclass(one.category, ConvergenceWarning) for one in caught)


def _value_and_gradient(
    theta: Tensor, rows: Tensor, labels: Tensor, penalty: Tensor
) -> tuple[Tensor, Tensor]:
    """Mean objective [P] and its gradient [P, d + 1, C]; the last row is the bias."""
    problems, _, classes = theta.shape
    weight, bias = theta[:, :-1], theta[:, -1]
    flat = weight.permute(1, 0, 2).reshape(rows.shape[1], -1)
    value = 0.5 * penalty * weight.square().sum((1, 2))
    gradient = torch.zeros_like(theta)
    gradient[:, :-1] = penalty[:, None, None] * weight
    size = max(1, _LOGITS // (problems * classes))
    for x, own in zip(torch.split(rows, size), torch.split(labels, size), strict=True):
        y = own[:, None, None].expand(-1, problems, 1)
        logs = ((x @ flat).view(len(x), problems, classes) + bias).log_softmax(2)
        value = value - logs.gather(2, y)[..., 0].sum(0) / len(rows)
        error = logs.exp().scatter_add_(2, y, -torch.ones_like(y, dtype=logs.dtype)) / len(rows)
        steps = (error.flatten(1).T @ x).view(problems, classes, -1)
        gradient[:, :-1] += steps.permute(0, 2, 1)
        gradient[:, -1] += error.sum(0)
    return value, gradient


def _direction(gradient: Tensor, history: list[tuple[Tensor, Tensor, Tensor]]) -> Tensor:
    """The two-loop recursion, every problem [P, D] with its own curvature pairs."""
    q, alphas = gradient.clone(), []
    for s, y, rho in reversed(history):
        alpha = rho * (s * q).sum(1)
        alphas.append(alpha)
        q -= alpha[:, None] * y
    if history:
        s, y, rho = history[-1]
        scale = (s * y).sum(1) / y.square().sum(1).clamp_min(1e-30)
        q *= torch.where(rho > 0, scale, torch.ones_like(scale))[:, None]
    for (s, y, rho), alpha in zip(history, reversed(alphas), strict=True):
        q += (alpha - rho * (y * q).sum(1))[:, None] * s
    return -q


def minimize(problem: Problem, strengths: list[float]) -> list[Solution]:
    """L-BFGS of all strengths at once: one product of matrices an iteration serves them all.

    Every strength has its own curvature pairs and its own step, found by halving until the value
    falls enough (Armijo). Converged ones stand still.
    """
    rows, labels = problem.rows, problem.labels.to(problem.rows.device)
    rows = rows.double() if rows.device.type == "cpu" else rows
    penalty = rows.new_tensor(strengths) / len(rows)
    weight, bias = problem.begin()
    theta = torch.cat((weight.T.to(rows), bias[None].to(rows))).repeat(len(strengths), 1, 1)
    evaluate = partial(_value_and_gradient, rows=rows, labels=labels, penalty=penalty)
    value, gradient = evaluate(theta)
    history: list[tuple[Tensor, Tensor, Tensor]] = []
    taken = torch.zeros(len(strengths), dtype=torch.long, device=rows.device)
    for _ in range(problem.max_iter):
        active = gradient.abs().amax((1, 2)) > problem.tolerance
        if not bool(active.any()):
            break
        taken += active
        flat = gradient.flatten(1)
        move = _direction(flat, history) * active[:, None]
        slope = (move * flat).sum(1)
        uphill = slope > 0
        move[uphill], slope[uphill] = -flat[uphill], -flat[uphill].square().sum(1)
        if not history:
            move = move / flat.norm(dim=1, keepdim=True).clamp_min(1.0)
            slope = slope / flat.norm(dim=1).clamp_min(1.0)
        found = _halve(theta, value, move.view_as(theta), slope, evaluate)
        if found is None:
            break
        step, value, renewed = found
        history = [*history, _pair(step.flatten(1), (renewed - gradient).flatten(1))][-_HISTORY:]
        theta, gradient = theta + step, renewed
    done = (gradient.abs().amax((1, 2)) <= problem.tolerance).tolist()
    ends = zip(theta.float(), done, taken.tolist(), strict=True)
    return [(one[:-1].T.contiguous(), one[-1], small, steps) for one, small, steps in ends]


def _pair(s: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """A curvature pair; rho is 0, which leaves it out, where there is no curvature to learn."""
    product = (s * y).sum(1)
    useful = product > 1e-10 * s.norm(dim=1) * y.norm(dim=1)
    return s, y, torch.where(useful, 1.0 / product, torch.zeros_like(product))


def _halve(
    theta: Tensor,
    value: Tensor,
    move: Tensor,
    slope: Tensor,
    evaluate: Callable[[Tensor], tuple[Tensor, Tensor]],
) -> tuple[Tensor, Tensor, Tensor] | None:
    """(step, value, gradient) after halving each problem's step; None where none can move."""
    length = torch.ones_like(value)
    slack = 4 * torch.finfo(value.dtype).eps * value.abs()
    for halving in range(_HALVINGS + 1):
        step = length[:, None, None] * move
        tried, gradient = evaluate(theta + step)
        enough = tried <= value + 1e-4 * length * slope + slack
        if bool(enough.all()):
            break
        shorter = length / 2 if halving < _HALVINGS - 1 else torch.zeros_like(length)
        length = torch.where(enough, length, shorter)
    return (step, tried, gradient) if bool((step != 0).any()) else None
