"""Stratified hold-outs of a labelled set, by seed."""

from __future__ import annotations

import torch
from torch import Tensor

from presight.core.draw import shuffled
from presight.errors import UsageError


def stratified_order(labels: Tensor, seed: int, stream: str = "hold-out") -> Tensor:
    """Int64 [n], an order whose every beginning has the classes in proportion, within one image.

    Images of a class are shuffled; the r-th of N_c has the place (r + 1/2) / N_c.
    """
    labels = labels.cpu().long()
    shuffle = shuffled(len(labels), seed, stream)
    place = torch.empty(len(labels), dtype=torch.float64)
    for label in torch.unique(labels).tolist():
        members = shuffle[labels[shuffle] == label]
        place[members] = (torch.arange(len(members)).double() + 0.5) / len(members)
    # Sorted by class first, then stably by place: ties go by class, not by the files' order.
    by_class = shuffle[torch.argsort(labels[shuffle], stable=True)]
    return by_class[torch.argsort(place[by_class], stable=True)]


def stratified_split(
    labels: Tensor, share: float, seed: int, stream: str = "hold-out"
) -> tuple[Tensor, Tensor]:
    """Rows to keep and rows to hold out, int64 and sorted; a class's last image is never held out.

    Args:
        labels: int64 [n].
        share: of the images to hold out, in (0, 1).
        seed: another seed holds out others.
        stream: another name is an independent hold-out.

    Raises:
        UsageError: the share is out of range.
    """
    if not 0.0 < share < 1.0:
        raise UsageError(f"the held-out share is {share}; it must lie between 0 and 1.")
    labels = labels.cpu().long()
    order = stratified_order(labels, seed, stream)
    held = order[: round(share * len(order))]
    for label in torch.unique(labels[held]).tolist():
        chosen = held[labels[held] == label]
        if len(chosen) == int((labels == label).sum()):
            held = held[held != chosen[-1]]
    mask = torch.ones(len(labels), dtype=torch.bool)
    mask[held] = False
    return mask.nonzero()[:, 0], held.sort().values
