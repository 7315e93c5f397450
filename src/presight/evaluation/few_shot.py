"""Few-shot episodes: how well a few images of a few classes tell these classes apart."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from presight.core.draw import shuffled
from presight.errors import DataError, UsageError
from presight.evaluation.features import Progress, require_finite
from presight.evaluation.logistic import fit
from presight.evaluation.tasks.task import Influence

Classifier = Callable[[Tensor, Tensor, Tensor], Tensor]
"""From support [n, d], its classes int64 [n] in 0..C-1 and queries [q, d] to classes int64 [q]."""

_Z = 1.96
_STRENGTH = 1.0  # of the penalty: scikit-learn's C = 1, which papers leave as it is


@dataclass(frozen=True)
class Episodes:
    """What episodes are made of.

    Args:
        ways: classes of an episode.
        shots: images of each class that are learned from.
        queries: other images of each class that are asked.
        count: episodes.
    """

    ways: int = 5
    shots: int = 5
    queries: int = 15
    count: int = 600


@dataclass(frozen=True, eq=False)
class FewShot:
    """Accuracies of one classifier.

    Args:
        values: accuracy of each episode, float64 [count], in [0, 1].
    """

    values: Influence

    @property
    def mean(self) -> float:
        """Over the episodes."""
        return float(self.values.mean())

    @property
    def margin(self) -> float:
        """Half of the 95 % interval, 1.96 sd / sqrt(count): of the episodes, not of the images.

        Episodes share images, so that more of them make it as small as one likes; it says how well
        the mean over all episodes of these images is known, as papers report it.
        """
        return _Z * float(self.values.std()) / math.sqrt(len(self.values))


def nearest_mean(support: Tensor, labels: Tensor, queries: Tensor) -> Tensor:
    """The class whose mean is nearest, int64 [q]; of equally near ones the first.

    Args:
        support: float [n, d].
        labels: int64 [n], 0..C-1, each at least once.
        queries: float [q, d].

    Source: Mensink, Verbeek, Perronnin, Csurka, Distance-Based Image Classification, TPAMI 2013.
    """
    sides = functional.one_hot(labels).to(support)
    means = (sides / sides.sum(0)).T @ support
    return (queries @ means.T - 0.5 * means.square().sum(1)).argmax(1)


def logistic_regression(support: Tensor, labels: Tensor, queries: Tensor) -> Tensor:
    """The likeliest class by logistic regression with a penalty of 1/2 |W|^2, int64 [q].

    Args:
        support: float [n, d].
        labels: int64 [n], 0..C-1, each at least once.
        queries: float [q, d].

    Source: Tian, Wang, Krishnan, Tenenbaum, Isola, Rethinking Few-Shot Image Classification: a
    Good Embedding Is All You Need?, ECCV 2020.
    """
    (solution,) = fit(support, labels, [_STRENGTH], n_classes=int(labels.max()) + 1)
    return solution.logits(queries).argmax(1)


CLASSIFIERS: Mapping[str, Classifier] = {
    "nearest class mean": nearest_mean,
    "logistic regression": logistic_regression,
}


def few_shot(
    features: Tensor,
    labels: Tensor,
    episodes: Episodes | None = None,
    *,
    seed: int = 0,
    classifiers: Mapping[str, Classifier] = CLASSIFIERS,
    progress: Progress | None = None,
) -> dict[str, FewShot]:
    """Accuracies of classifiers that learn from a few images of a few classes, many times.

    Each episode draws classes, and of each of them images to learn from and others to be asked;
    all classifiers see the same episodes, and so does every backbone: labels and seed decide them,
    and accuracies by episode can be compared in pairs. Features are scaled to length 1.

    Args:
        features: float [n, d], of images that nothing was learned from before, such as test.
        labels: int64 [n].
        episodes: by default 600 of 5 classes, 5 images of each and 15 queries.
        seed: of the episodes.
        classifiers: by name.
        progress: told episodes done and in all.

    Raises:
        UsageError: sizes that do not fit or features that are not finite. DataError: too few
            classes with images enough.

    Source: Vinyals et al., Matching Networks for One Shot Learning, NeurIPS 2016 (episodes); the
    number of episodes and queries and the margin are those of published transfer studies.

    Example:
        >>> import torch
        >>> from presight.evaluation.few_shot import Episodes, few_shot
        >>> labels = torch.arange(12) % 3
        >>> asked = Episodes(ways=3, shots=1, queries=2, count=20)
        >>> found = few_shot(torch.eye(3)[labels], labels, asked)
        >>> found["nearest class mean"].mean
        1.0
    """
    episodes = episodes or Episodes()
    members = _members(features, labels, episodes)
    rows = functional.normalize(features.float(), dim=1)
    hits: dict[str, list[float]] = {name: [] for name in classifiers}
    ways, shots, asked = episodes.ways, episodes.shots, episodes.queries
    support_labels = torch.arange(ways, device=rows.device).repeat_interleave(shots)
    truth = torch.arange(ways, device=rows.device).repeat_interleave(asked)
    for number in range(episodes.count):
        drawn = _drawn(members, episodes, seed, number).to(rows.device)  # [ways, shots + queries]
        support, queries = rows[drawn[:, :shots].flatten()], rows[drawn[:, shots:].flatten()]
        for name, classify in classifiers.items():
            right = classify(support, support_labels, queries) == truth
            hits[name].append(float(right.double().mean()))
        if progress is not None:
            progress(number + 1, episodes.count)
    return {
        name: FewShot(torch.tensor(values, dtype=torch.float64).numpy())
        for name, values in hits.items()
    }


def _drawn(members: list[Tensor], episodes: Episodes, seed: int, number: int) -> Tensor:
    """Rows int64 [ways, shots + queries] of one episode."""
    key = (seed, "few-shot", number)
    chosen = shuffled(len(members), *key)[: episodes.ways].tolist()
    size = episodes.shots + episodes.queries
    return torch.stack([members[c][shuffled(len(members[c]), *key, c)[:size]] for c in chosen])


def _members(features: Tensor, labels: Tensor, episodes: Episodes) -> list[Tensor]:
    """Rows of each class that has enough of them."""
    if features.ndim != 2 or labels.shape != (len(features),):
        raise UsageError(
            f"features must be [n, d] with labels [n]; received {tuple(features.shape)} and "
            f"{tuple(labels.shape)}. Pool feature maps first."
        )
    least = min(episodes.ways - 1, episodes.shots, episodes.queries, episodes.count)
    if least < 1:
        raise UsageError(
            f"{episodes}: two ways or more are needed, and one or more of everything else."
        )
    require_finite(features)
    labels, size = labels.cpu(), episodes.shots + episodes.queries
    rows = [(labels == label).nonzero()[:, 0] for label in torch.unique(labels).tolist()]
    enough = [own for own in rows if len(own) >= size]
    if len(enough) < episodes.ways:
        raise DataError(
            f"{len(enough)} of {len(rows)} classes have {size} images or more ({episodes.shots} to "
            f"learn from and {episodes.queries} to ask), but an episode is of {episodes.ways} "
            "classes. Ask fewer images or classes, or label more."
        )
    return enough
