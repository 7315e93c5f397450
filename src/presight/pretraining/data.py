"""Opening a run's images: source, limits, canvases."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Literal

from presight.core import world
from presight.core.settings import Settings
from presight.data.canvas import Images, Packed, images_of
from presight.data.decode import Limits
from presight.data.open import open_labelled, open_source
from presight.data.source import Labelled, Source, shown
from presight.data.stored import Stored
from presight.data.targets import ClassTarget
from presight.evaluation.labelled import LabelledImages
from presight.pretraining.telling import counted as counted


def open_data(data: str, settings: Settings) -> Source:
    """The source that a user named, under the settings' limits."""
    return open_source(data, **rules(settings))


def open_classes(data: str, settings: Settings) -> Labelled[ClassTarget]:
    """The same, with the classes of its images.

    Raises:
        DataError: no classes, or one alone; or as without them.
    """
    return open_labelled(data, **rules(settings))


def rules(settings: Settings) -> dict[str, Any]:
    """How files are opened, as `open_source` and `open_task` take it."""
    return {
        "limits": limits(settings),
        "follow_links": settings.follow_links,
        "download": settings.download,
        "max_bad_fraction": settings.max_bad_fraction,
        "workers": 0 if settings.workers == "auto" else settings.workers,
        "progress": counted("looking at images", settings.quiet),
    }


def as_asked(
    own: Settings,
    *,
    download: bool,
    follow_links: bool,
    quiet: bool,
    min_side: int | Literal["auto"] = "auto",
    max_bad_fraction: float | Literal["auto"] = "auto",
) -> Settings:
    """A run's settings for images that are looked at later; `auto` is as the run had it."""
    return dataclasses.replace(
        own,
        download=download or own.download,
        min_side=own.min_side if min_side == "auto" else min_side,
        max_bad_fraction=own.max_bad_fraction if max_bad_fraction == "auto" else max_bad_fraction,
        follow_links=follow_links or own.follow_links,
        quiet=quiet,
    )


def of_the_run(own: Settings, asked: Settings) -> Settings:
    """Settings for the run's own images.

    Limits stay as the run had them: others would let in images that it never saw.
    """
    return as_asked(
        own, download=asked.download, follow_links=asked.follow_links, quiet=asked.quiet
    )


def limits(settings: Settings) -> Limits:
    """What an image may be."""
    return Limits(
        min_side=settings.min_side,
        max_pixels=settings.max_pixels,
        allow_truncated=settings.allow_truncated,
        float_range=settings.float_range,
    )


def open_images(source: Source, settings: Settings) -> Images:
    """Canvases of the source; process 0 packs them first, the others read what it packed."""
    side = settings.cache_side
    if side == "auto":
        raise AssertionError("cache_side is resolved before images are opened")
    where = cache_folder(settings)
    workers = 0 if settings.workers == "auto" else settings.workers

    def make() -> Images:
        progress = counted("decoding once", settings.quiet)
        return images_of(
            source,
            side=side,
            cache_dir=where,
            workers=workers,
            progress=progress,
            max_bad_fraction=settings.max_bad_fraction,
        )

    if world.rank() == 0:
        images = make()
        world.barrier()
        return images
    world.barrier()
    return make()


def open_labels(spec: str, settings: Settings, side: int, warnings: list[str]) -> LabelledImages:
    """Labelled images, decoded; on this process alone.

    Args:
        spec: as the user named them.
        settings: limits, cache folder, quiet.
        side: short side of the cached images, pixels.
        warnings: gets what is odd about them.
    """
    source = open_classes(spec, settings)
    return LabelledImages.of(source, images_for(source, spec, settings, side, warnings))


def images_for(
    source: Source, spec: str, settings: Settings, side: int, warnings: list[str]
) -> Images:
    """Decoded images of a source that was not pretrained on; on this process alone.

    Args:
        source: the images.
        spec: as the user named them.
        settings: cache folder, quiet.
        side: short side of the cached images, pixels.
        warnings: gets what is odd about them.
    """
    if isinstance(source, Stored):
        warnings += [f"{shown(spec)}: {line}" for line in source.summary()]
    images = images_of(
        source,
        side=side,
        cache_dir=cache_folder(settings),
        progress=counted("decoding once", settings.quiet),
        max_bad_fraction=settings.max_bad_fraction,
    )
    lost = len(images.replaced) if isinstance(images, Packed) else 0
    if lost:
        warnings.append(f"{shown(spec)}: {lost:,} damaged images, the next one stands in for each.")
    return images


def cache_folder(settings: Settings) -> Path | None:
    """Where decoded images are kept; None is the user's cache folder."""
    return None if settings.cache_dir == "auto" else Path(settings.cache_dir)
