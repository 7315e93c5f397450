"""Export with the backbone's own keys: fits every backbone."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from presight.core.backbone import Backbone
from presight.exporting import layout
from presight.exporting.formats import Exported
from presight.restore import Origin, load_backbone, metadata


def export(backbone: Backbone, path: Path, origin: Origin | None = None) -> Exported:
    """Write all weights and statistics of a backbone, with its source and constants beside.

    Args:
        backbone: any.
        path: ends in .safetensors.
        origin: where the backbone comes from; with it `presight.load_backbone` reads the file.

    Returns:
        The file, and how the network compared that was built from it: by its origin, or else a
        copy that was emptied and loaded.

    Raises:
        IntegrityError: where the copy differs; nothing is written then.
    """
    source = layout.plain(backbone)
    words = layout.constants(source)
    if altered := getattr(backbone, "altered", ""):
        words["altered"] = altered
    words |= metadata(source, origin) if origin else {}
    side = getattr(source, "image_size", 0) or 64

    @torch.no_grad()
    def verify(file: Path) -> tuple[list[str], list[str], float]:
        if origin:
            fresh = load_backbone(file, origin.plugin)
        else:
            fresh = _emptied(layout.plain(source))
            layout.load(fresh, file, "")
        images = layout.pictures(_channels(source), side)
        return [], [], layout.compare(source(images), fresh(images))

    weights = source.state_dict()
    path, missing, unexpected, difference = layout.write(Path(path), weights, words, verify)
    usage = f"weights = safetensors.torch.load_file({str(path)!r})"
    if origin:
        plugin = f", plugin={origin.plugin!r}" if origin.plugin else ""
        usage = f"backbone = presight.load_backbone({str(path)!r}{plugin})\n{usage}"
    return Exported(path, len(weights), missing, unexpected, difference, usage)


def _emptied(backbone: Backbone) -> Backbone:
    """Every weight and statistic away, so that only a load can bring it back."""
    for value in backbone.state_dict().values():
        value.zero_()
    return backbone


def _channels(backbone: Backbone) -> int:
    """Channels of an image, which the first convolution knows."""
    first = next((m for m in backbone.modules() if isinstance(m, nn.Conv2d)), None)
    normalize = getattr(backbone, "normalize", None)
    if normalize is not None:
        return len(normalize.scale)
    return first.in_channels if first is not None else 3
