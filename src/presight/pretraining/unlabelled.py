"""What features tell without labels: diagnostics, neighbors, a map, of the run's own images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from presight.core import automatic
from presight.core.draw import shuffled
from presight.core.settings import Settings
from presight.data.canvas import Images
from presight.evaluation.diagnose import IMAGES, augmented, diagnose
from presight.evaluation.embedding.folder import embed, write_embedding
from presight.evaluation.features import Progress, extract
from presight.evaluation.score import weights_of, write_result
from presight.evaluation.stages import Some
from presight.pretraining.configuration import Configuration
from presight.pretraining.data import counted, images_for, of_the_run, open_data
from presight.restore import load_backbone, origin_of, untrained_backbone
from presight.store.folder import RunFolder
from presight.training.runtime import pick_device
from presight.views.catalogue import recipe

if TYPE_CHECKING:
    from presight.core.backbone import Backbone

MOST = 2000
"""Images that are looked at: enough for ranks of some hundred directions."""
PAIR = "simclr"
"""Views that diagnostics compare, the same for all runs."""
CAUTION = (
    "Numbers without labels raise alarms; they do not prove that the features are of any use. "
    "Labels do: presight evaluate RUN --labels LABELLED"
)


def look_without_labels(
    folder: RunFolder, config: Configuration, settings: Settings, device: str
) -> tuple[Path, dict[str, dict[str, Any]]]:
    """Diagnose the pretrained and the untrained network on images of the run's own data.

    Args:
        folder: of the run.
        config: its configuration.
        settings: as asked of this evaluation; limits on images stay the run's own.
        device: auto, cpu, cuda, mps or xpu.

    Returns:
        The evaluation's folder, and the numbers by row.

    Raises:
        DataError: the images are gone, or cannot be read.
    """
    plugin, own = settings.plugin, of_the_run(config.settings, settings)
    source = open_data(config.data, own)
    origin = origin_of(folder.path, plugin)
    images = images_for(
        source, config.data, own, automatic.cache_side(origin.image_size).number, []
    )
    rows = looked_at(images)
    told, vectors = {}, torch.zeros(0)
    for name, backbone in (
        ("untrained", untrained_backbone(origin)),
        ("pretrained", load_backbone(folder.path, plugin)),
    ):
        said = counted(f"features, {name}", settings.quiet)
        vectors, told[name] = without_labels(
            backbone, images, size=origin.image_size, device=pick_device(device), progress=said
        )
    told = dict(reversed(told.items()))
    protocol = {
        "task": "without labels",
        "frozen": True,
        "origin": origin.words(),
        "weights": weights_of(folder),
        "diagnostics": told,
        "torch": torch.__version__,
    }
    target = folder.evaluation(f"unlabelled-{source.fingerprint[:8]}")
    write_result(target, [], protocol)
    _embed(target / "embedding", vectors, images, rows, [source.identity(i) for i in rows.tolist()])
    return target, told


def looked_at(images: Images) -> torch.Tensor:
    """int64 [n], rows of the images that are looked at: the same ones for every network."""
    return _drawn(images)[:MOST].sort().values


def without_labels(
    backbone: Backbone,
    images: Images,
    *,
    size: int,
    device: torch.device,
    progress: Progress | None = None,
) -> tuple[torch.Tensor, dict[str, Any]]:
    """Features float [n, d] of the images that are looked at, and what they tell.

    Args:
        backbone: of a network.
        images: two or more.
        size: side of a view, pixels.
        device: where the backbone runs.
        progress: told images done and in all.
    """
    chosen = Some(images, looked_at(images))
    vectors = extract(backbone, chosen, size=size, device=device, progress=progress)
    # Of the drawn order, not of the rows': files often lie by class.
    several = _drawn(images)[:IMAGES].sort().values
    pair = recipe(PAIR, size=size)
    views = augmented(backbone, images, several, pair, device=device, progress=progress)
    return vectors, diagnose(vectors, views)


def _drawn(images: Images) -> torch.Tensor:
    return shuffled(len(images), 0, "without labels")


def _embed(
    place: Path, vectors: torch.Tensor, images: Images, rows: torch.Tensor, names: list[str]
) -> None:
    """Neighbors and a map of the images that were looked at, for the report."""
    if len(rows) > 1:
        write_embedding(place, embed(vectors, names), images, rows, {"data": "the run's own"})
