"""Clustering without labels: whitening, k-means, balanced sampling.

Everything is a function of its arguments: random choices come from a key, and sums are matrix
products in a fixed order, so that the same rows give the same clusters on the same device.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

from presight.core.draw import Draw, key_of, shuffled
from presight.errors import UsageError

SCORES_AT_ONCE = 1 << 24
"""Entries of a block of distances: 64 MiB in float32."""
SPLIT_BY = 1 / 1024
"""Relative distance of an empty cluster's new centroid from the one that it splits."""


@dataclass(frozen=True, slots=True)
class Clusters:
    """What k-means found.

    Args:
        centroids: [k, d].
        assignments: int64 [n], the nearest centroid of each row.
        inertia: mean squared distance to the nearest centroid at the start and after each
            iteration, non-increasing but where an empty cluster was filled.
    """

    centroids: Tensor
    assignments: Tensor
    inertia: Tensor


@torch.no_grad()
def kmeans(
    rows: Tensor,
    k: int,
    *,
    key: tuple[int | str, ...] = (0,),
    iterations: int = 20,
    spherical: bool = False,
    start: Tensor | None = None,
) -> Clusters:
    """Lloyd's k-means from k-means++ seeds.

    An empty cluster takes over a part of the largest one: both get its centroid, moved a little
    apart, and the next iteration divides the rows.

    Args:
        rows: [n, d], float; where they lie is where the work is done.
        k: number of clusters, 1 to n.
        key: integers and words that decide the seeds; another key, other clusters.
        iterations: updates of the centroids at most; it ends where nothing moves any more.
        spherical: centroids are scaled to length 1; meant for unit rows.
        start: [k, d], centroids to begin from instead of drawn ones.

    Raises:
        UsageError: fewer rows than clusters.
    """
    if not 1 <= k <= len(rows):
        raise UsageError(f"k-means needs 1 to {len(rows)} clusters for as many rows; received {k}.")
    rows = rows if rows.dtype == torch.float64 else rows.float()
    centroids = _seeds(rows, k, key) if start is None else start.to(rows)
    inertia = []
    for _ in range(iterations):
        assignments, distance, sums, sizes = _assigned(rows, centroids)
        inertia.append(distance)
        moved = _fill_empty(sums / sizes.clamp(min=1)[:, None], sizes)
        moved = normalize(moved, dim=1) if spherical else moved
        still = torch.equal(moved, centroids)
        centroids = moved
        if still:
            break
    assignments, distance, _, _ = _assigned(rows, centroids)
    return Clusters(centroids, assignments, torch.stack([*inertia, distance]))


@torch.no_grad()
def whiten(
    features: Tensor, dim: int, *, device: torch.device | None = None, block: int = 1 << 14
) -> Tensor:
    """Principal components scaled to unit variance: float32 [n, dim] of features [n, d].

    The covariance of the result is the identity, but 0 for components in which the features do
    not vary. `dim` is cut to d.

    Args:
        features: [n, d], any float type, on any device.
        dim: components to keep, the largest first.
        device: where the work is done and the result lies; None stays with the features.
        block: rows at once, so that the features may be a memory map larger than the device.
    """
    count, width = features.shape
    device = device or features.device
    exact = torch.float32 if device.type == "mps" else torch.float64

    def blocks() -> Iterator[Tensor]:
        for start in range(0, count, block):
            yield features[start : start + block].to(device, exact)

    mean = torch.stack([part.sum(0) for part in blocks()]).sum(0) / count
    covariance = torch.zeros(width, width, dtype=exact, device=device)
    for part in blocks():
        centered = part - mean
        covariance += centered.T @ centered / max(1, count - 1)
    values, vectors = torch.linalg.eigh(covariance)
    values, vectors = values.flip(0)[:dim], vectors.flip(1)[:, :dim]
    scale = torch.where(values > values[0].clamp(min=0) * 1e-9, values.clamp(min=0).rsqrt(), 0.0)
    signs = vectors.gather(0, vectors.abs().argmax(0, keepdim=True)).sign()  # one of two
    project = vectors * signs * scale
    return torch.cat([((part - mean) @ project).float() for part in blocks()])


def balanced(assignments: Tensor, *, key: tuple[int | str, ...] = (0,)) -> Tensor:
    """Indices int64 [N] that draw every non-empty cluster equally often, to within one.

    A cluster with enough members gives different ones; a smaller one repeats them.

    Args:
        assignments: int64 [N], cluster of each sample; the indices count in the same order.
        key: integers and words that decide the draws.
    """
    count, assignments = len(assignments), assignments.cpu()
    filled = assignments.bincount().nonzero()[:, 0]
    extra = set(shuffled(len(filled), *key, "extra")[: count % len(filled)].tolist())
    chosen = []
    for place, cluster in enumerate(filled.tolist()):
        members = (assignments == cluster).nonzero()[:, 0]
        wanted = count // len(filled) + (place in extra)
        if wanted <= len(members):
            picks = shuffled(len(members), *key, "members", cluster)[:wanted]
        else:
            draw = Draw(key_of(*key), 0, torch.tensor([cluster]))
            picks = draw.integers("repeats", (wanted,), len(members))[0]
        chosen.append(members[picks])
    indices = torch.cat(chosen)
    return indices[shuffled(count, *key, "order")]


def _seeds(rows: Tensor, k: int, key: tuple[int | str, ...]) -> Tensor:
    """k-means++: each next seed is drawn with probability to its squared distance from all."""
    sample = rows[shuffled(len(rows), *key, "sample")[: max(10 * k, 4096)].to(rows.device)]
    chance = Draw(key_of(*key), 0, torch.zeros(1, dtype=torch.int64)).uniform("seeds", (k,))[0]
    seeds = sample.new_empty(k, sample.shape[1])
    distance = sample.new_ones(len(sample))
    for number, unit in enumerate(chance.to(rows.device)):
        mass = distance.double().cumsum(0) if rows.device.type != "mps" else distance.cumsum(0)
        place = torch.searchsorted(mass, (unit * mass[-1])[None]).clamp(max=len(sample) - 1)
        seeds[number] = sample[place[0]]
        fresh = (sample - seeds[number]).square().sum(1)
        distance = fresh if number == 0 else torch.minimum(distance, fresh)
    return seeds


def _assigned(rows: Tensor, centroids: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Nearest centroids, mean squared distance, sums [k, d] and sizes [k] of the clusters."""
    k = len(centroids)
    squares = centroids.square().sum(1)
    sums, sizes = torch.zeros_like(centroids), squares.new_zeros(k)
    total = squares.new_zeros(())
    assignments = []
    for part in torch.split(rows, max(1, SCORES_AT_ONCE // k)):
        best = torch.addmm(squares, part, centroids.T, alpha=-2).min(1)
        member = part.new_zeros(len(part), k).scatter_(1, best.indices[:, None], 1.0)
        sums += member.T @ part  # index_add would be faster, and not repeatable on a GPU
        sizes += member.sum(0)
        total += (best.values + part.square().sum(1)).clamp(min=0).sum()
        assignments.append(best.indices)
    return torch.cat(assignments), total / len(rows), sums, sizes


def _fill_empty(centroids: Tensor, sizes: Tensor) -> Tensor:
    empty = (sizes == 0).nonzero()[:, 0]
    if not len(empty):
        return centroids
    largest = sizes.argsort(descending=True, stable=True)
    largest = largest[torch.arange(len(empty), device=sizes.device) % (sizes > 0).sum()]
    sign = torch.ones_like(centroids[0])
    sign[1::2] = -1
    centroids = centroids.clone()
    centroids[empty] = centroids[largest] * (1 + SPLIT_BY * sign)
    centroids[largest] = centroids[largest] * (1 - SPLIT_BY * sign)
    return centroids
