"""Going on with a run: its own configuration under this command, and the same images."""

from __future__ import annotations

import dataclasses
import itertools
import shlex
from collections.abc import Mapping
from typing import Any

from presight.core import plugins, registry
from presight.core.settings import Settings
from presight.core.wording import cut
from presight.data.source import Source
from presight.errors import RunError
from presight.pretraining.configuration import Configuration
from presight.store.folder import RunFolder


def continued(
    data: str,
    folder: RunFolder,
    settings: Settings,
    plan: Mapping[str, Any],
    options: Mapping[str, Any],
) -> Configuration:
    """The folder's configuration under this command."""
    saved = Configuration.read(folder, settings.plugin)
    config = saved.resumed(data, settings, {**settings.given(), **plan, **options}, folder)
    if folder.status == "done" and config.plan.epochs <= saved.plan.epochs:
        raise RunError(folder.finished())
    _same_code(folder, settings)
    return config


def _same_code(folder: RunFolder, settings: Settings) -> None:
    """Refuse a plugin that holds something else than the copy of the run; line ends do not count.

    Raises:
        RunError: the text says what is the first difference, and how to go on.
    """
    if not folder.plugin.is_file():
        return
    found = registry.entry(settings.method, settings.plugin)
    before, now = (
        source.decode("utf-8", "replace").splitlines()
        for source in (folder.plugin.read_bytes(), plugins.source_of(found))
    )
    if before == now:
        return
    pairs = enumerate(itertools.zip_longest(before, now, fillvalue="nothing"), start=1)
    number, (kept, given) = next(pair for pair in pairs if pair[1][0] != pair[1][1])
    raise RunError(
        f"{found.file} changed since {folder} began: line {number} is now `{cut(given.strip())}`; "
        f"it was `{cut(kept.strip())}`. A run goes on with the code that it began with only, of "
        f"which it kept a copy: --plugin {shlex.quote(str(folder.plugin))}. For the new code start "
        f"anew: --out {folder}2, or with --init {folder} to begin from its weights."
    )


def precision(folder: RunFolder, settings: Settings, plan: Mapping[str, Any]) -> str:
    """The command's; else the one that a run began with, whatever `auto` would be here and now."""
    if "precision" in plan or settings.overwrite or not folder.begun:
        return str(plan.get("precision", "auto"))
    return Configuration.read(folder).plan.precision


def same_data(
    config: Configuration, source: Source, settings: Settings, folder: RunFolder
) -> Configuration:
    """The configuration, if the images are those that the run began with."""
    if source.fingerprint == config.fingerprint:
        return config
    before, now = config.spec.n_samples, len(source)
    what = "images were edited or renamed" if before == now else f"{before:,} images, now {now:,}"
    if before != now or not settings.accept_data_change:
        advice = "Start" if before != now else "--accept-data-change goes on with them, or start"
        raise RunError(
            f"the images of {folder} changed: {what}. {advice} anew: "
            f"--out {folder}2, or with --init {folder} to begin from its weights."
        )
    return dataclasses.replace(config, fingerprint=source.fingerprint)
