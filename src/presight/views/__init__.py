"""Views: how images become what a method sees. Loaded when first asked for; no torch before."""

from __future__ import annotations

import importlib

_HOMES = {
    "from_options": "catalogue",
    "names": "catalogue",
    "recipe": "catalogue",
    "recipe_class": "catalogue",
    "to_options": "catalogue",
}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(importlib.import_module(f"presight.views.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
