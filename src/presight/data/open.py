"""From what a user writes to a source: folders, CSV files, shards, scenes, torchvision's sets."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

from presight.data import folder, shards
from presight.data.decode import Limits
from presight.data.pool import Progress, default_workers
from presight.data.scenes import Scenes
from presight.data.source import Labelled, Source, shown
from presight.data.stored import Classified, Listing, examine
from presight.data.targets import ClassTarget
from presight.errors import DataError, UsageError

_FORMS = "a folder, a .csv of paths, .tar or .tar.gz shards, scenes:COUNT or torchvision:NAME"


def open_source(
    spec: str | Path | Source,
    *,
    limits: Limits | None = None,
    follow_links: bool = False,
    download: bool = False,
    max_bad_fraction: float = 0.01,
    workers: int = 0,
    progress: Progress | None = None,
) -> Source:
    """Images without labels.

    Args:
        spec: a folder, CSV, shards, `scenes:COUNT`, `torchvision:NAME`, or a source of your own.
        limits: what an image may be.
        follow_links: follow links that leave the folder.
        download: fetch a torchvision set that is not on disk.
        max_bad_fraction: stop where more than this share is unreadable, in [0, 1].
        workers: processes that open headers; 0 takes one less than the cores.
        progress: called with images done and in all.

    Raises:
        DataError: nothing there, nothing usable, or too much that is unreadable.
        UsageError: a form that is not known.
    """
    if isinstance(spec, Source):
        return spec
    made = _made(str(spec), download)
    if made is not None:
        return made
    listing = _listing(Path(spec) if isinstance(spec, Path) else str(spec), follow_links)
    if "" in (listing.labels or ()):
        listing.labels = None  # some are labelled only: all of them are images all the same
    return examine(
        listing,
        limits or Limits(),
        workers=workers or default_workers(),
        max_bad_fraction=max_bad_fraction,
        progress=progress,
    )


def open_labelled(
    spec: str | Path | Labelled[ClassTarget],
    *,
    limits: Limits | None = None,
    follow_links: bool = False,
    download: bool = False,
    max_bad_fraction: float = 0.01,
    workers: int = 0,
    progress: Progress | None = None,
) -> Labelled[ClassTarget]:
    """Images with classes: from class folders, a CSV's column label, or scenes.

    Args:
        spec: as for `open_source`.
        limits: what an image may be.
        follow_links: follow links that leave the folder.
        download: fetch a torchvision set that is not on disk.
        max_bad_fraction: stop where more than this share is unreadable, in [0, 1].
        workers: processes that open headers; 0 takes one less than the cores.
        progress: called with images done and in all.

    Raises:
        DataError: as for `open_source`; also no labels, or a single class.
        UsageError: as for `open_source`; also a source labelled for another task.
    """
    if isinstance(spec, Labelled):
        if spec.task != "classification":
            raise UsageError(f"images labelled for {spec.task}; classification needs a class each.")
        return spec
    made = _made(str(spec), download)
    if made is not None:
        return made
    listing = _listing(Path(spec) if isinstance(spec, Path) else str(spec), follow_links)
    if listing.labels is None:
        listing.labels = folder.class_names(listing, listing.what)
    listing.leave_unlabelled()
    labelled = examine(
        listing,
        limits or Limits(),
        workers=workers or default_workers(),
        max_bad_fraction=max_bad_fraction,
        progress=progress,
    )
    assert isinstance(labelled, Classified)
    if len(labelled.classes) < 2:
        raise DataError(
            f"{listing.what} holds one class only, {shown(labelled.classes[0])}; labels need two "
            "or more: CLASS/NAME.jpg, or a CSV file path,label."
        )
    return labelled


def _made(spec: str, download: bool) -> Labelled[ClassTarget] | None:
    """Sources that are named by a word and a colon."""
    kind, colon, rest = spec.partition(":")
    if not colon or os.path.exists(spec):
        return None
    if kind == "scenes":
        return Scenes.parse(rest)
    if kind == "torchvision":
        from presight.data.torchvision_sets import torchvision_set

        return torchvision_set(rest, download=download)
    if kind in ("hf", "http", "https", "s3", "gs"):
        raise UsageError(f"{shown(kind)}: is no form of data that is known. Known are {_FORMS}.")
    return None


def _listing(spec: str | Path, follow_links: bool) -> Listing:
    text = str(spec)
    path = Path(spec)
    if path.is_dir():
        return folder.folder(path, follow_links=follow_links)
    if shards.is_shards(text):
        return shards.shards(shards.expand(text), text)
    if not path.exists():
        raise DataError(f"no {shown(text)} here. Data is {_FORMS}.")
    if path.suffix.lower() == ".csv":
        return folder.table(path, follow_links=follow_links)
    raise DataError(
        f"{shown(text)} is no form of data that is known. Known are {_FORMS}."
        + folder.found_instead(Counter([path.suffix.lower()]))
    )
