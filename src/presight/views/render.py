"""One set of parameters, two executors: which one makes the views."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from presight.core.batch import Batch
from presight.core.recipe import Executor
from presight.views import batched
from presight.views.params import ViewParams, moved, stack


def render(batch: Batch, views: Sequence[ViewParams], size: int, executor: Executor) -> Tensor:
    """Views of a batch, stacked crop-major.

    Args:
        batch: B images.
        views: parameters of each view, B rows each.
        size: side of a view, pixels.
        executor: `auto` takes per-image where the images are on the CPU, batched elsewhere.

    Returns:
        float32 [c*B,C,size,size] in [0, 1], on the images' device.
    """
    params = stack(views)
    if executor == "batched" or (executor == "auto" and batch.images.device.type != "cpu"):
        return batched.render(batch.images, params, size)
    # Imported here so that an accelerator's run needs no OpenCV.
    from presight.views import per_image

    if batch.images.device.type == "cpu":
        return per_image.render(batch.images, params, size)
    made = per_image.render(batch.images.cpu(), moved(params, "cpu"), size)
    return made.to(batch.images.device)
