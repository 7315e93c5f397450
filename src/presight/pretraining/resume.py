"""Going on with a run: its own configuration under this command, and the same images."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from presight.core.settings import Settings
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
    saved = Configuration.read(folder)
    config = saved.resumed(data, settings, {**settings.given(), **plan, **options}, folder)
    if folder.status == "done" and config.plan.epochs <= saved.plan.epochs:
        raise RunError(folder.finished())
    return config


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
