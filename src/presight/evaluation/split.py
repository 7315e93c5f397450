"""Stratified orders and hold-outs of a labelled set, by seed and by the images' identities."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import torch
from torch import Tensor

from presight.core.draw import Draw
from presight.errors import UsageError


def identity_keys(identities: Iterable[str]) -> Tensor:
    """Int64 [n], a number of each image that does not depend on the others or on their order.

    Args:
        identities: names that are stable across machines, such as relative paths.
    """
    digests = (
        hashlib.blake2b(name.encode("utf-8", "surrogateescape"), digest_size=8).digest()
        for name in identities
    )
    return torch.tensor([int.from_bytes(digest, "little", signed=True) for digest in digests])


def stratified_order(
    labels: Tensor, seed: int, stream: str = "hold-out", keys: Tensor | None = None
) -> Tensor:
    """Int64 [n], an order whose every beginning has the classes in proportion.

    It is off by less than 1 + C N_c / 2 N images of a class, which has N_c of the N images: by one
    in a set of large classes, by more for a class beside many rare ones.

    Images of a class are shuffled; the r-th of N_c has the place (r + 1/2) / N_c. Beginnings are
    nested: the first 100 are among the first 200.

    Args:
        labels: int64 [n].
        seed: another seed gives another order.
        stream: another name is an independent order.
        keys: int64 [n] of `identity_keys`: then an image's place among its class depends on its
            name and not on its row, and a file more or less does not shuffle the others anew.
    """
    labels = labels.cpu().long()
    rows = torch.arange(len(labels)) if keys is None else keys.cpu()
    drawn = Draw(seed, 0, rows).integers(stream, (), 2**62)
    # Equal names are possible only where rows are repeated; the row itself then decides.
    shuffle = torch.argsort(drawn, stable=True)
    # Sorted by class first, then stably by place: ties go by class, not by the files' order.
    by_class = shuffle[torch.argsort(labels[shuffle], stable=True)]
    sizes = torch.unique(labels, return_counts=True)[1]
    rank = torch.arange(len(labels)) - (sizes.cumsum(0) - sizes).repeat_interleave(sizes)
    place = (rank.double() + 0.5) / sizes.repeat_interleave(sizes)
    return by_class[torch.argsort(place, stable=True)]


def stratified_split(
    labels: Tensor,
    share: float,
    seed: int,
    stream: str = "hold-out",
    keys: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Rows to keep and rows to hold out, int64 and sorted; a class's last image is never held out.

    Args:
        labels: int64 [n].
        share: of the images to hold out, in (0, 1).
        seed: another seed holds out others.
        stream: another name is an independent hold-out.
        keys: int64 [n] of `identity_keys`, as for `stratified_order`.

    Raises:
        UsageError: the share is out of range.
    """
    return stratified_folds(labels, share, seed, 1, stream, keys)[0]


def stratified_folds(
    labels: Tensor,
    share: float,
    seed: int,
    count: int,
    stream: str = "hold-out",
    keys: Tensor | None = None,
) -> list[tuple[Tensor, Tensor]]:
    """Several hold-outs that have no image in common, each as of `stratified_split`.

    Args:
        labels: int64 [n].
        share: of the images in each hold-out, in (0, 1).
        seed: another seed holds out others.
        count: of hold-outs; as many as there are images for, at most.
        stream: another name is an independent choice.
        keys: int64 [n] of `identity_keys`, as for `stratified_order`.

    Raises:
        UsageError: the share is out of range.
    """
    if not 0.0 < share < 1.0:
        raise UsageError(f"the held-out share is {share}; it must lie between 0 and 1.")
    labels = labels.cpu().long()
    order = stratified_order(labels, seed, stream, keys)
    size = round(share * len(order))
    most = max(1, len(order) // max(1, size))
    parts = [order[fold * size : (fold + 1) * size] for fold in range(min(count, most))]
    return [_held_out(labels, held) for held in parts]


def _held_out(labels: Tensor, held: Tensor) -> tuple[Tensor, Tensor]:
    """Rows to keep and to hold out, where every class keeps an image."""
    for label in torch.unique(labels[held]).tolist():
        chosen = held[labels[held] == label]
        if len(chosen) == int((labels == label).sum()):
            held = held[held != chosen[-1]]
    mask = torch.ones(len(labels), dtype=torch.bool)
    mask[held] = False
    return mask.nonzero()[:, 0], held.sort().values
