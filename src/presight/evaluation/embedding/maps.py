"""A map: features laid out in the plane, so that neighbors stay neighbors."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from presight.core.draw import shuffled
from presight.evaluation.neighbors import nearest

Kind = Literal["tsne", "pca", "none"]
MOST = 3000
"""Images that t-SNE lays out itself; the others are put among their neighbors."""
_COMPONENTS = 50
_ANCHORS = 3


def layout(features: Tensor, kind: Kind = "tsne", seed: int = 0) -> tuple[Tensor, dict[str, Any]]:
    """Places of images in the plane.

    Unit features are reduced to 50 principal components, and t-SNE lays out at most 3,000 images;
    every other image gets the mean place of its three nearest among those, weighted by similarity.
    Distances between far groups mean nothing in a t-SNE map.

    Args:
        features: float [n, d].
        kind: tsne; pca for the first two principal components; none for zeros.
        seed: of the choice of images, and of t-SNE.

    Returns:
        float32 [n, 2], and what was done, plain JSON.

    Source: van der Maaten, Hinton: Visualizing Data using t-SNE, JMLR 2008.
    """
    rows = functional.normalize(features.detach().float().cpu(), dim=1).numpy()
    n = len(rows)
    if kind == "none" or n < 4:
        return torch.zeros(n, 2), {"kind": "none"}
    reduced, explained = _components(rows, seed)
    if kind == "pca":
        places = reduced[:, :2] if reduced.shape[1] > 1 else np.pad(reduced, ((0, 0), (0, 1)))
        return torch.from_numpy(np.ascontiguousarray(places)), {"kind": "pca", **explained}
    chosen = shuffled(n, seed, "map")[:MOST].sort().values
    perplexity = float(min(30, max(2, (len(chosen) - 1) // 4)))
    anchors = _tsne(reduced[chosen.numpy()], perplexity, seed)
    told = {"kind": "tsne", "perplexity": perplexity, "seed": seed, "laid_out": len(chosen)}
    placed = _among(torch.from_numpy(rows), chosen, torch.from_numpy(anchors))
    return placed, {**told, **explained}


def _components(rows: NDArray[np.float32], seed: int) -> tuple[NDArray[np.float32], dict[str, Any]]:
    from sklearn.decomposition import PCA

    count = min(_COMPONENTS, *rows.shape)
    model = PCA(count, svd_solver="covariance_eigh" if rows.shape[1] <= 1000 else "randomized",
                random_state=seed)  # fmt: skip
    with np.errstate(invalid="ignore"):  # equal rows have no variance to share
        reduced = model.fit_transform(rows)
    share = float(np.nan_to_num(model.explained_variance_ratio_[:2].sum()))
    return reduced.astype(np.float32), {"variance_in_plane": share}


def _tsne(rows: NDArray[np.float32], perplexity: float, seed: int) -> NDArray[np.float32]:
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    if not rows.std(0).any():
        return np.zeros((len(rows), 2), np.float32)
    model = TSNE(2, perplexity=perplexity, init="pca", learning_rate="auto", random_state=seed)
    with threadpool_limits(1):  # several sum in an order of their own, and gain little here
        found: NDArray[np.float32] = model.fit_transform(rows).astype(np.float32)
    return found


def _among(rows: Tensor, chosen: Tensor, anchors: Tensor) -> Tensor:
    places = torch.empty(len(rows), 2)
    places[chosen] = anchors
    rest = torch.ones(len(rows), dtype=torch.bool)
    rest[chosen] = False
    if bool(rest.any()):
        index, similar = nearest(rows[chosen], _ANCHORS, rows[rest])
        weight = torch.softmax(similar / 0.07, dim=1)
        places[rest] = (weight[:, :, None] * anchors[index]).sum(1)
    return places
