"""Linear probe: logistic regression on frozen features, its strength chosen on part of train."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from presight.errors import UsageError
from presight.evaluation.classifier import LinearClassifier
from presight.evaluation.features import require_finite
from presight.evaluation.logistic import Fit, fit
from presight.evaluation.split import stratified_folds, stratified_split

_PATIENCE = 2  # strengths without gain after which weaker ones are not tried
_CHOOSERS = 20_000  # rows that the strengths are tried on, at most
_FOLDS, _JUDGES = 5, 500  # hold-outs at most, and images in all of them that are enough
_FEW = (1e-6, 1.0, 7)  # of the strength an image and unit variance: from, to, values
_THOROUGH = (1e-6, 1e5, 45)  # of the strength itself


@dataclass(frozen=True, slots=True)
class Trial:
    """A strength that was tried: how it did on the held-out parts of train.

    Args:
        strength: of the penalty.
        accuracy: over all held-out images, in [0, 1].
        loss: mean cross-entropy over them, nats.
        converged: whether every fit did.
        iterations: of the solver, over all fits.
    """

    strength: float
    accuracy: float
    loss: float
    converged: bool
    iterations: int


@dataclass(frozen=True, slots=True)
class Probe(LinearClassifier):
    """A linear classifier of features, whose scores are logits.

    Args:
        classes: int64 [C], the labels that were seen, ascending.
        weight: float32 [C, d].
        bias: float32 [C].
        strength: of the penalty, chosen.
        converged: whether the final fit converged.
        trials: what was tried, from strong to weak; empty where nothing could be held out.
        n_validation: images of train that were held out, in all, to choose the strength.
    """

    converged: bool
    trials: tuple[Trial, ...]
    n_validation: int


def strengths(features: Tensor, *, thorough: bool = False) -> list[float]:
    """What is tried, from strong to weak.

    By default seven, from 1 to 1e-6 times n times the features' variance, so that the range does
    not depend on their scale; with `thorough` the 45 from 1e5 to 1e-6 of published probes.

    Args:
        features: float [n, d].
        thorough: the 45 of published probes.
    """
    low, high, count = _THOROUGH if thorough else _FEW
    scale = 1.0
    if not thorough:
        variance = float(features.float().var(0, correction=0).mean())
        scale = len(features) * (variance or 1.0)
    exponents = torch.linspace(math.log10(high), math.log10(low), count).tolist()
    return [scale * 10.0**exponent for exponent in exponents]


def linear_probe(
    train: Tensor,
    train_labels: Tensor,
    *,
    validation: float = 0.1,
    seed: int = 0,
    thorough: bool = False,
    hold_outs: int = _FOLDS,
) -> Probe:
    """Multinomial logistic regression; the strength is chosen on held-out parts of train.

        sum_i cross_entropy(W x_i + b, y_i) + strength / 2 * |W|^2

    Hold-outs are stratified. Of few images one is a matter of chance, which then decides the
    result: there are up to five without an image in common, until they hold 500 images. The best
    accuracy over all of them wins, equal ones by loss; then all of train is fitted, from a solution
    of the choice. Seven strengths go from strong to weak, until two in a row gain nothing, on
    20,000 of the other images at most. Features enter as they are.

    Args:
        train: float [n, d]; on a CPU scikit-learn solves, elsewhere L-BFGS on the device.
        train_labels: int64 [n], two classes or more.
        validation: share of train in each hold-out that chooses the strength.
        seed: of the hold-outs.
        thorough: try all of 45 strengths instead.
        hold_outs: at most, 1 or more; each costs as much as the final fit or more.

    Returns:
        The classifier; its `predict` takes float [n, d].

    Raises:
        UsageError: one class only, features that are not finite, sizes that do not fit.

    Source: Kornblith, Shlens, Le, Do Better ImageNet Models Transfer Better?, CVPR 2019; Chen et
    al., A Simple Framework for Contrastive Learning of Visual Representations, appendix B.8. The
    range of seven is ours.

    Example:
        >>> import torch
        >>> from presight.evaluation import linear_probe
        >>> train = torch.tensor([[0.0], [0.1], [0.2], [0.8], [0.9], [1.0]])
        >>> probe = linear_probe(train, torch.tensor([3, 3, 3, 7, 7, 7]), validation=0.34)
        >>> probe.predict(torch.tensor([[0.05], [0.95]]))
        tensor([3, 7])
    """
    _check(train, train_labels)
    classes, labels = torch.unique(train_labels.long(), return_inverse=True)
    path = strengths(train, thorough=thorough)
    count = min(hold_outs, math.ceil(_JUDGES / max(1.0, validation * len(train))))
    folds = stratified_folds(train_labels, validation, seed, count)
    folds = [(kept, held) for kept, held in folds if len(held)]
    patience = len(path) if thorough else _PATIENCE
    trials, start = _trials(train, labels, path, len(classes), folds, patience)
    if trials:
        best = max(trials, key=_rank)
        path = [best.strength]  # from the trial's solution: no second way down the path
    else:
        path = path[: (len(path) + 1) // 2]
    *_, final = fit(train, labels, path, n_classes=len(classes), start=start)
    return Probe(
        classes,
        final.weight,
        final.bias,
        path[-1],
        final.converged,
        trials,
        sum(len(held) for _, held in folds),
    )


def _rank(trial: Trial) -> tuple[float, float]:
    return trial.accuracy, -trial.loss


def _trials(
    train: Tensor,
    labels: Tensor,
    path: list[float],
    classes: int,
    folds: list[tuple[Tensor, Tensor]],
    patience: int,
) -> tuple[tuple[Trial, ...], Fit | None]:
    """The strengths on the held-out parts, until `patience` in a row were no better than the best.

    Weak penalties take most iterations, and where the held-out loss rises they only fit noise.
    Returns what was tried, and the best one's solution of the first fold.
    """
    if not folds:
        return (), None
    fits = [_fits(train, labels, path, classes, kept) for kept, _ in folds]
    judges = [held.to(train.device) for _, held in folds]
    tried: list[Trial] = []
    solution: Fit | None = None
    waited, accuracy, loss = 0, -1.0, math.inf
    for strength, *found in zip(path, *fits, strict=True):
        trial = _trial(strength, found, [(train[held], labels[held]) for held in judges])
        if not tried or _rank(trial) > max(map(_rank, tried)):
            solution = found[0]
        tried.append(trial)
        waited = 0 if trial.accuracy > accuracy or trial.loss < loss else waited + 1
        if waited >= patience:
            break
        accuracy, loss = max(accuracy, trial.accuracy), min(loss, trial.loss)
    return tuple(tried), solution


def _fits(
    train: Tensor, labels: Tensor, path: list[float], classes: int, kept: Tensor
) -> Iterator[Fit]:
    """Solutions of the rows that are kept, from strong to weak, as they are asked for."""
    kept = kept.to(train.device)
    share = _CHOOSERS / len(kept)
    if share < 1.0:
        kept = kept[stratified_split(labels[kept], 1.0 - share, 0, "choice")[0].to(kept.device)]
    return fit(train[kept], labels[kept], path, n_classes=classes)


def _trial(strength: float, fits: Sequence[Fit], judges: Sequence[tuple[Tensor, Tensor]]) -> Trial:
    """What the solutions answer to the images that each has not seen, together."""
    logits = torch.cat([one.logits(x) for one, (x, _) in zip(fits, judges, strict=True)])
    truth = torch.cat([labels for _, labels in judges])
    return Trial(
        strength,
        float((logits.argmax(1) == truth).float().mean()),
        float(functional.cross_entropy(logits, truth)),
        all(one.converged for one in fits),
        sum(one.iterations for one in fits),
    )


def _check(train: Tensor, labels: Tensor) -> None:
    if train.ndim != 2 or labels.shape != (len(train),):
        raise UsageError(
            f"train must be [n, d] with labels [n]; received {tuple(train.shape)} and "
            f"{tuple(labels.shape)}. Pool feature maps first."
        )
    if len(labels) == 0 or len(torch.unique(labels)) < 2:
        raise UsageError(
            f"{len(labels)} labels of {len(torch.unique(labels))} class; a linear probe needs two "
            "classes or more. Label more images."
        )
    require_finite(train)
