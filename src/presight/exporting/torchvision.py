"""Export to torchvision's own keys."""

from __future__ import annotations

from pathlib import Path

import torch
import torchvision

from presight.core.backbone import Backbone
from presight.exporting import layout
from presight.exporting.formats import Exported
from presight.nn import catalog
from presight.nn.stages import FAMILIES


def export(backbone: Backbone, path: Path) -> Exported:
    """Write a file that `torchvision.models.NAME()` loads; only its classifier's keys are missing.

    Args:
        backbone: a torchvision network of the standard layout.
        path: ends in .safetensors.

    Returns:
        The file and how the loaded network compared.

    Raises:
        UsageError: where the layout is another; the text names the formats that work.
        IntegrityError: where the loaded network differs; nothing is written then.
    """
    layout.require(backbone, "torchvision", layout.torchvision_refusal(backbone))
    source = layout.plain(backbone)
    name = catalog.canonical(backbone.source)
    family = FAMILIES[catalog.family_of(name)]
    words = layout.constants(source)

    @torch.no_grad()
    def verify(file: Path) -> tuple[list[str], list[str], float]:
        fresh = torchvision.models.get_model(name, weights=None)
        missing, unexpected = layout.load(fresh, file, family.head)
        family.behead(fresh)
        images = layout.pictures()
        features = fresh.eval()(layout.normalized(images, words)).flatten(1)
        return missing, unexpected, layout.compare(source(images), features)

    weights = source.get_submodule("trunk").state_dict()
    path, missing, unexpected, difference = layout.write(Path(path), weights, words, verify)
    usage = (
        f"model = torchvision.models.{name}(); "
        f"model.load_state_dict(safetensors.torch.load_file({str(path)!r}), strict=False)"
    )
    return Exported(path, len(weights), missing, unexpected, difference, usage)
