"""chosen(): a method by the words of a command line, wherever it stands."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from presight.core import registry
from presight.core.method import Method
from presight.errors import UsageError


def chosen(words: str) -> type[Method]:
    """A method's class.

    Args:
        words: FILE.py:Class, FILE.py if it holds one method, package.module:Class, or a name that
            `presight list methods` shows.

    Raises:
        UsageError: nothing of that name, or something that is no method.
    """
    place, _, name = words.rpartition(":") if ":" in words else (words, "", "")
    if place.endswith(".py"):
        return _of_file(place, name)
    if not name:
        return registry.load(words)
    if "" not in sys.path:
        sys.path.insert(0, "")  # a module beside the caller, as python -m has it
    try:
        found = getattr(importlib.import_module(place), name, None)
    except ModuleNotFoundError as error:
        if error.name is None or not place.startswith(error.name):
            raise
        raise UsageError(
            f"no module {place}; --method takes FILE.py:Class, package.module:Class or a name."
        ) from error
    if not (isinstance(found, type) and issubclass(found, Method)):
        raise UsageError(f"{place} has no method {name}. A method derives from presight.Method.")
    return found


def _of_file(file: str, name: str) -> type[Method]:
    listed = {e.class_name: e.name for e in registry.of_file(Path(file))}
    if not name and len(listed) == 1:
        name = next(iter(listed))
    if name not in listed:
        there = ", ".join(f"{file}:{one}" for one in listed)
        raise UsageError(f"{file} has no method {name or 'of its own'}. It has {there}.")
    return registry.load_file(Path(file), name)
