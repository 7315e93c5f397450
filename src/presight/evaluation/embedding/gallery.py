"""Which images a person is shown: queries with their neighbors."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from presight.core.draw import Draw
from presight.evaluation.split import stratified_order

QUERIES = 12
SHOWN = 8


def gallery(
    index: Tensor, similar: Tensor, keys: Tensor, labels: Tensor | None
) -> dict[str, list[list[int]]]:
    """Rows of a query and its nearest, for a page.

    Args:
        index: int64 [n, k], neighbors.
        similar: float32 [n, k].
        keys: int64 [n], names as numbers: the fixed queries are chosen by them, so that they stay
            the same from run to run.
        labels: int64 [n], where there are classes.

    Returns:
        `fixed`: 12 queries, over all classes where there are any. `worst`: those whose nearest
        images are most alike and of another class; without labels those that are least like any
        other.
    """
    shown = min(SHOWN, index.shape[1])
    fixed = _fixed(keys, labels)
    if labels is None:
        worst = torch.argsort(similar[:, 0], stable=True)[:QUERIES].tolist()
    else:
        wrong = labels[index[:, 0]] != labels
        order = torch.argsort(similar[:, 0], descending=True, stable=True)
        worst = order[wrong[order]][:QUERIES].tolist()
    return {
        "fixed": [[row, *index[row, :shown].tolist()] for row in fixed],
        "worst": [[row, *index[row, :shown].tolist()] for row in worst],
    }


def _fixed(keys: Tensor, labels: Tensor | None) -> list[int]:
    if labels is not None:
        return stratified_order(labels, 0, "gallery", keys)[:QUERIES].tolist()
    drawn = Draw(0, 0, keys).integers("gallery", (), 2**62)
    return torch.argsort(drawn, stable=True)[:QUERIES].tolist()


def thumbnails(rows: dict[str, list[list[int]]], keys: Tensor, most: int) -> Sequence[int]:
    """Which images get a thumbnail: all of the gallery, then others by their names, ascending.

    Args:
        rows: of `gallery`.
        keys: int64 [n].
        most: thumbnails.
    """
    needed = {image for kind in rows.values() for row in kind for image in row}
    drawn = Draw(0, 0, keys).integers("thumbnails", (), 2**62)
    others = (image for image in torch.argsort(drawn, stable=True).tolist() if image not in needed)
    room = max(0, most - len(needed))
    return sorted([*needed, *(image for _, image in zip(range(room), others, strict=False))])
