"""The linear protocol of published tables: SGD heads of several rates, all trained at once.

The features come from a cache, or from one forward of augmented views a batch.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from presight.core.draw import shuffled
from presight.errors import Diverged, UsageError
from presight.evaluation.classifier import LinearClassifier
from presight.evaluation.features import Progress, require_finite
from presight.evaluation.feeds import Cached, Feed
from presight.evaluation.sgd_heads import Heads
from presight.evaluation.split import stratified_split

RATES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
"""Learning rates that are tried: features of different methods differ in scale by as much."""
DECAYS = (0.0, 1e-6)
"""Weight decays that are tried with each rate."""
RATED_BATCH = 256
"""Rows an update that a learning rate is told for."""


@dataclass(frozen=True, kw_only=True)
class SgdPlan:
    """How the heads learn.

    Args:
        rates: learning rates, for batches of 256 and in proportion to them for others; they fall
            to 0 along half a cosine.
        decays: weight decays, of the bias too; a head for each pair of rate and decay.
        epochs: passes over the rows; the heads after the last one are measured.
        batch_size: rows an update; what does not fill a batch waits for another epoch.
        momentum: of SGD.
        normalize: a batch norm without weights of its own comes first ("linear+BN"): one range of
            rates then serves features of any scale. It is a protocol of its own, and its number is
            not the classic one.
    """

    rates: Sequence[float] = RATES
    decays: Sequence[float] = DECAYS
    epochs: int = 100
    batch_size: int = 256
    momentum: float = 0.9
    normalize: bool = False

    @property
    def heads(self) -> list[tuple[float, float]]:
        """(rate, decay) of every head."""
        return list(itertools.product(self.rates, self.decays))

    @property
    def protocol(self) -> str:
        """The name that results are reported by."""
        return "linear+BN" if self.normalize else "linear SGD"


@dataclass(frozen=True, slots=True)
class SgdTrial:
    """A head, and how it did on the held-out part of train.

    Args:
        rate: learning rate.
        decay: weight decay.
        accuracy: over the held-out images, in [0, 1]; 0 of a head that diverged.
        loss: mean cross-entropy over them, nats; inf of a head that diverged.
    """

    rate: float
    decay: float
    accuracy: float
    loss: float


@dataclass(frozen=True, slots=True)
class SgdProbe(LinearClassifier):
    """The chosen head, as a classifier of features as they come; `strength` is its weight decay.

    Args:
        classes: int64 [C], the labels that were seen, ascending.
        weight: float [C, d].
        bias: float [C].
        strength: the weight decay that was chosen.
        rate: the learning rate that was chosen.
        trials: all heads; empty where nothing could be held out.
        n_validation: images of train that were held out to choose the head.
        protocol: its name in a report.
    """

    rate: float
    trials: tuple[SgdTrial, ...]
    n_validation: int
    protocol: str


def sgd_linear(
    feed: Feed | Tensor,
    labels: Tensor,
    rows: Tensor | None = None,
    *,
    plan: SgdPlan | None = None,
    validation: float = 0.1,
    refit: bool = False,
    seed: int = 0,
    progress: Progress | None = None,
) -> SgdProbe:
    """Linear heads by SGD, the last epoch's; the best on a held-out part of train is the probe.

    Equal accuracy goes by loss. The test set is not seen here. Where no class can spare an image
    the middle rate is taken.

    Args:
        feed: features float [N, d], or what gives them.
        labels: int64 [N], of all rows of the feed.
        rows: int64 [n], those to learn from; by default all.
        plan: rates, epochs, batch size; by default the published ones.
        validation: share of the rows that is held out, stratified, to choose the head.
        refit: train the chosen head again, on all rows; with new views that costs a second
            training, and is left out by published tables.
        seed: of the hold-out and of the order.
        progress: told epochs done and in all.

    Raises:
        UsageError: one class only, sizes that do not fit, features that are not finite. Diverged:
            every head did.

    Source: the settings of published linear probes (random crop and flip, 100 epochs, cosine, batch
    256) with all rates at once; the batch norm is that of He et al., Masked Autoencoders Are
    Scalable Vision Learners, CVPR 2022, appendix A.1.
    """
    plan = plan or SgdPlan()
    feed = Cached(feed) if isinstance(feed, Tensor) else feed
    rows = torch.arange(len(labels)) if rows is None else rows.cpu()
    _check(feed, labels, rows, plan)
    classes, own = torch.unique(labels[rows.to(labels.device)].long().cpu(), return_inverse=True)
    work = _Work(feed, rows, own, len(classes), plan, seed, progress)
    kept, held = stratified_split(own, validation, seed, "sgd linear")
    heads = work.trained(plan.heads, kept)
    trials = work.judged(heads, held) if len(held) else ()
    fine = heads.finite().tolist()
    best = _best(trials) if trials else _middle(plan, fine)
    if not fine[best]:
        raise Diverged(
            f"none of {len(plan.heads)} linear heads stayed finite, learning rates "
            f"{min(plan.rates):g} to {max(plan.rates):g}. The features are too large: normalize "
            "them (linear+BN), or give smaller rates."
        )
    number = best
    if refit and trials:
        again = work.trained([plan.heads[best]], torch.arange(len(rows)))
        if bool(again.finite()[0]):
            heads, number = again, 0
    weight, bias = heads.plain(number)
    rate, decay = plan.heads[best]
    return SgdProbe(
        classes.to(weight.device), weight, bias, decay, rate, trials, len(held), plan.protocol
    )


def _best(trials: Sequence[SgdTrial]) -> int:
    """The first of the best: diverged heads have an infinite loss and no accuracy."""
    return max(range(len(trials)), key=lambda i: (trials[i].accuracy, -trials[i].loss, -i))


def _middle(plan: SgdPlan, fine: Sequence[bool]) -> int:
    """The head of the middle rate, or of the largest below it that has not diverged."""
    middle = (len(plan.rates) - 1) // 2 * len(plan.decays)
    return next((head for head in range(middle, -1, -1) if fine[head]), 0)


@dataclass(frozen=True)
class _Work:
    """What is learned from.

    Args:
        rows: int64 [n], of the feed.
        labels: int64 [n], 0..classes-1.
    """

    feed: Feed
    rows: Tensor
    labels: Tensor
    classes: int
    plan: SgdPlan
    seed: int
    progress: Progress | None

    def trained(self, settings: Sequence[tuple[float, float]], some: Tensor) -> Heads:
        """Heads after the last epoch on some of the rows."""
        plan = self.plan
        size = min(plan.batch_size, len(some))
        per_epoch = len(some) // size
        total, done, heads = per_epoch * plan.epochs, 0, None
        for epoch in range(plan.epochs):
            order = some[shuffled(len(some), self.seed, "sgd linear", epoch)]
            batches = torch.split(order[: per_epoch * size], size)
            with closing(self.feed.learn([self.rows[batch] for batch in batches], epoch)) as made:
                for batch, features in zip(batches, made, strict=True):
                    if heads is None:
                        heads = Heads(settings, self.classes, features,
                                      momentum=plan.momentum, normalize=plan.normalize)  # fmt: skip
                    factor = size / RATED_BATCH * 0.5 * (1.0 + math.cos(math.pi * done / total))
                    heads.update(features, self.labels[batch], factor)
                    done += 1
            if self.progress is not None:
                self.progress(epoch + 1, plan.epochs)
        assert heads is not None
        return heads

    def judged(self, heads: Heads, held: Tensor) -> tuple[SgdTrial, ...]:
        """How the heads do on some of the rows."""
        hits, losses = heads.bias.new_zeros(2, len(self.plan.heads), dtype=torch.float64)
        for batch in torch.split(held, self.plan.batch_size):
            logits = heads.logits(self.feed.measure(self.rows[batch])).double()
            truth = self.labels[batch].to(logits.device)
            hits += (logits.argmax(2) == truth[:, None]).sum(0)
            losses += functional.cross_entropy(
                logits.transpose(1, 2), truth[:, None].expand(-1, logits.shape[1]), reduction="none"
            ).sum(0)
        # The largest of NaNs is some class too: what diverged must not be compared.
        finite = (heads.finite() & torch.isfinite(losses)).tolist()
        accuracies, means = (hits / len(held)).tolist(), (losses / len(held)).tolist()
        return tuple(
            SgdTrial(rate, decay, accuracy, loss) if fine else SgdTrial(rate, decay, 0.0, math.inf)
            for (rate, decay), accuracy, loss, fine in zip(
                self.plan.heads, accuracies, means, finite, strict=True
            )
        )


def _check(feed: Feed, labels: Tensor, rows: Tensor, plan: SgdPlan) -> None:
    if isinstance(feed, Cached):
        if feed.features.ndim != 2 or labels.shape != (len(feed.features),):
            raise UsageError(
                f"features must be [n, d] with labels [n]; received {tuple(feed.features.shape)} "
                f"and {tuple(labels.shape)}. Pool feature maps first."
            )
        require_finite(feed.features)
    seen = len(torch.unique(labels[rows.to(labels.device)]))
    if seen < 2:
        raise UsageError(
            f"{len(rows)} labels of {seen} class; a linear probe needs two classes or more. Label "
            "more images."
        )
    if not plan.heads or plan.epochs < 1 or plan.batch_size < 2:
        raise UsageError(
            f"{len(plan.heads)} heads, {plan.epochs} epochs, batches of {plan.batch_size}; one "
            "head, one epoch and batches of two or more are needed."
        )
