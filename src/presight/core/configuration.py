"""The layout of config.yaml: which option stands in which section. No torch here."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from presight.core import yamlfile
from presight.core.plan import TrainPlan
from presight.core.settings import Settings
from presight.core.values import plain
from presight.errors import UsageError

LAYOUT = 1
ORDERS = ("dry_run", "print_config", "json", "quiet", "overwrite", "accept_data_change")
"""Settings that steer one command and say nothing about the result: they are not saved."""


def nested(
    data: str, settings: Settings, plan: TrainPlan, options: Mapping[str, Any]
) -> dict[str, Any]:
    """A run's configuration as plain data in sections: data, method, train, run."""
    run = {
        item.name: plain(getattr(settings, item.name))
        for item in dataclasses.fields(settings)
        if item.name not in (*ORDERS, "method")
    }
    return {
        "layout": LAYOUT,
        "data": data,
        "method": {"name": settings.method, **{name: plain(v) for name, v in options.items()}},
        "train": plain(plan),
        "run": run,
    }


def flatten(config: Mapping[str, Any]) -> dict[str, Any]:
    """Sections dissolved: option name -> value, and `data`; options may also stand without one.

    Raises:
        UsageError: another layout, or an option that stands twice.
    """
    layout = config.get("layout", LAYOUT)
    if layout != LAYOUT:
        raise UsageError(f"layout {layout} is unknown; this presight reads layout {LAYOUT}.")
    flat: dict[str, Any] = {}
    for section, value in config.items():
        if section == "layout":
            continue
        if section in ("method", "train", "run") and isinstance(value, Mapping):
            items = {
                "method" if k == "name" and section == "method" else k: v for k, v in value.items()
            }
        else:
            items = {section: value}
        for name, item in items.items():
            name = name.replace("-", "_")
            if name in flat:
                raise UsageError(f"{name} stands twice, the second time under {section}.")
            flat[name] = item
    return flat


def text(config: Mapping[str, Any], origins: Mapping[str, str] | None = None) -> str:
    """A nested configuration as YAML; `origins` is by option name, each becomes a comment."""
    paths: dict[str, str] = {}
    for section, value in config.items():
        if not isinstance(value, Mapping):
            paths[section] = section
            continue
        for name in value:
            key = "method" if (section, name) == ("method", "name") else name
            paths[key] = f"{section}.{name}"
    known = {paths[name]: origin for name, origin in (origins or {}).items() if name in paths}
    return yamlfile.dump(config, known)
