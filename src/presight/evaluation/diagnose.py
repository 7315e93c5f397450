"""What features tell without labels: a backbone's health, each number beside its companion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from presight.core.draw import Draw
from presight.errors import UsageError
from presight.evaluation.clusters import clustered
from presight.evaluation.diagnostics import (
    Lidar,
    alignment,
    alpha,
    describe,
    lidar,
    sampled,
    uniform_sphere,
)
from presight.evaluation.features import Progress, frozen, require_finite

if TYPE_CHECKING:
    from presight.core.backbone import Backbone
    from presight.core.recipe import Recipe
    from presight.data.canvas import Images

IMAGES = 300
"""Images of which several views are compared."""
VIEWS = 10
_POWER_LAW = 0.95
_COLLAPSED, _FEW_DIRECTIONS = 0.1, 0.05


def augmented(
    backbone: Backbone,
    images: Images,
    rows: Tensor,
    pair: Recipe,
    *,
    device: torch.device | str = "cpu",
    views: int = VIEWS,
    seed: int = 0,
    progress: Progress | None = None,
) -> Tensor:
    """Features of several views of each image, float32 [n, views, dim] on the CPU.

    Args:
        backbone: it is frozen meanwhile.
        images: the data layer's images.
        rows: int64 [n], which of them.
        pair: a recipe of two views under the key `views`; the same for runs that are compared.
        device: where the backbone runs.
        views: of each image, even and 2 or more.
        seed: of the views.
        progress: told images done and in all.

    Raises:
        UsageError: an odd number of views, or a feature is NaN or infinite.
    """
    if views < 2 or views % 2:
        raise UsageError(f"views is {views}; they come in pairs, so 2, 4 or more were expected.")
    device = torch.device(device)
    found = torch.empty(len(rows), views, backbone.dim)
    step = 64
    with frozen(backbone, device):
        for start in range(0, len(rows), step):
            batch = images.batch(rows[start : start + step]).to(device)
            draw = Draw(seed, 0, batch.index).fork("diagnose")
            for first in range(0, views, 2):
                both = pair(batch, draw.fork(str(first)))["views"].to(device)
                features = backbone(both).float().cpu()
                part = features.view(2, len(batch.index), -1).transpose(0, 1)
                found[start : start + step, first : first + 2] = part
            if progress is not None:
                progress(min(start + step, len(rows)), len(rows))
    require_finite(found)
    return found


def diagnose(
    features: Tensor, views: Tensor | None = None, labels: Tensor | None = None
) -> dict[str, Any]:
    """All numbers that features allow, plain JSON, with alarms in words.

    Args:
        features: float [n, d] of the images' centers, two rows or more.
        views: float [m, q, d] of `augmented`; without them LiDAR and alignment are left out.
        labels: int64 [n]; without them, or with one class, nothing is said of clusters.

    Returns:
        Numbers by name; `alarms` lists what is wrong, in sentences.
    """
    told: dict[str, Any] = {**describe(features), "dim": features.shape[1]}
    told["uniform_sphere"] = uniform_sphere(features.shape[1])
    law = alpha(sampled(features))
    if law is not None:
        told |= {"alpha_fit": law.fit, "alpha_first": law.first, "alpha_last": law.last}
        told["alpha"] = law.alpha if law.fit >= _POWER_LAW else None
    discriminant = None
    if views is not None:
        discriminant = lidar(_unit_variance(views))
        told |= {
            "alignment": alignment(views[:, 0], views[:, 1]),
            "lidar": discriminant.value,
            "lidar_signal": discriminant.signal,
            "lidar_images": discriminant.images,
            "lidar_views": discriminant.views,
        }
    if labels is not None and len(torch.unique(labels)) > 1:
        groups = clustered(features, labels)
        told |= {f"cluster_{name}": value for name, value in asdict(groups).items()}
    told["alarms"] = _alarms(told, discriminant)
    return told


def _unit_variance(views: Tensor) -> Tensor:
    """Views scaled so that LiDAR's delta means the same for features of every scale."""
    deviation = views.double().flatten(0, 1).std(0, correction=0).square().mean().sqrt()
    return views / (float(deviation) or 1.0)


def _alarms(told: dict[str, Any], discriminant: Lidar | None) -> list[str]:
    found = []
    rank, dim, spread = told["effective_rank"], told["dim"], told["feature_std"]
    if spread < _COLLAPSED:
        found.append(
            f"The features hardly differ from image to image: spread {spread:.2g} of about 1, and "
            f"{told['feature_std_centered']:.2g} without what they share. They have collapsed."
        )
    elif rank < _FEW_DIRECTIONS * dim:
        found.append(
            f"Few directions carry everything: effective rank {rank:.1f} of {dim}. "
            "The features have lost most of their dimensions."
        )
    if discriminant is not None and discriminant.is_noise:
        found.append(
            f"Images differ hardly more than views of one image do: signal "
            f"{discriminant.signal:.2g}, of noise {1 / discriminant.views:.2g}. LiDAR says nothing "
            "here."
        )
    return found


def _few(told: Mapping[str, Any]) -> str:
    """Both ranks still grow with the images below 16 a dimension."""
    return ", few: both grow with more" if told["rank_images"] < 16 * told["dim"] else ""


def health_lines(diagnostics: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A line or two a row for a terminal, each number with its companion.

    Args:
        diagnostics: of `diagnose`, by row.
    """
    lines = []
    for row, told in diagnostics.items():
        if "effective_rank" not in told:
            continue
        parts = [
            f"effective rank {told['effective_rank']:.1f} of {told['dim']} "
            f"(RankMe {told['rankme']:.1f}, {told['rank_images']:,} images{_few(told)})",
            f"spread {told['feature_std']:.2f} (centered {told['feature_std_centered']:.2f})",
            f"norm {told['norm_median']:.3g} (90 % between {told['norm_low']:.3g} and "
            f"{told['norm_high']:.3g})",
            f"dead units {100 * told['dead_units']:.1f} %",
            f"uniformity {told['uniformity']:.2f} (sphere {told['uniform_sphere']:.2f})",
        ]
        if "lidar" in told:
            parts.append(f"alignment {told['alignment']:.2f}")
            parts.append(f"LiDAR {told['lidar']:.1f} (signal {told['lidar_signal']:.2g}, noise "
                         f"{1 / told['lidar_views']:.2g})")  # fmt: skip
        if "alpha_fit" in told:
            law = told["alpha"]
            parts.append("no power law" if law is None else f"alpha {law:.2f}")
        lines.append(f"without labels, {row}: {', '.join(parts)}")
        if "cluster_ami" in told:
            lines.append(
                f"{told['cluster_clusters']} clusters and the classes, {row}: "
                f"AMI {told['cluster_ami']:.2f} (NMI {told['cluster_nmi']:.2f}), "
                f"ARI {told['cluster_ari']:.2f}, purity {told['cluster_purity']:.2f}"
            )
    return lines
