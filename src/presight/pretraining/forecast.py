"""How long a pretraining will take, by a few of its updates."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from presight.core.settings import Settings
from presight.data.loader import Loader
from presight.pretraining import speed
from presight.pretraining.configure import configure
from presight.pretraining.data import open_data, open_images
from presight.restore import build_method
from presight.training.loop import total_updates
from presight.training.runtime import Runtime


def forecast(
    data: str,
    *,
    settings: Settings,
    plan: Mapping[str, Any],
    options: Mapping[str, Any],
    most: float,
) -> float | None:
    """Seconds that the updates of a pretraining take; nothing is written.

    Args:
        data: as of `pretrain`, and so are the next three.
        settings: data, backbone, device.
        plan: what differs from the method's preset.
        options: of the method, what differs from its preset.
        most: share of the updates that measuring may take.

    Returns:
        None where that share is too small to measure anything.
    """
    runtime = Runtime(settings.device, str(plan.get("precision", "auto")))
    try:
        source = open_data(data, settings)
        config = configure(
            data, source, settings, plan, options, runtime.device.type, runtime.precision
        )
        images = open_images(source, config.settings)
        loader = Loader(
            images, batch_size=config.plan.batch_size, seed=config.plan.seed, device=runtime.device
        )
        updates = total_updates(config.plan, loader.updates_per_epoch)
        allowed = int(most * updates) - speed.WARM
        if allowed < speed.LEAST:
            return None
        make = functools.partial(build_method, config.origin, config.settings.init)
        found = speed.measure(make, loader, config.plan, runtime, most=allowed)
    finally:
        runtime.close()
    passes = updates / loader.updates_per_epoch
    return updates * found.update + max(1.0, passes) * found.epoch_start
