"""Imports methods' files: those of packages, and a user's own under a name of their own."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import zlib
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from presight.errors import Unavailable, UsageError

if TYPE_CHECKING:
    from presight.core.registry import Entry

_PLUGIN = "presight_plugin_"
_sources: dict[str, bytes] = {}
"""What was imported, by the module's name."""


def import_of(found: Entry) -> ModuleType:
    """The module of a method.

    Raises:
        Unavailable: it needs a package that is not installed.
        UsageError: it cannot be imported.
    """
    try:
        if found.module:
            return importlib.import_module(found.module)
        return import_file(found.file)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package == "presight":
            raise  # a fault of ours
        raise Unavailable(
            f"method {found.name} needs the package {package}, which is not installed. "
            f"Install it: pip install {package}"
        ) from error
    except ImportError as error:
        raise UsageError(f"{found.file} cannot be imported: {error}.") from error


def import_file(file: Path) -> ModuleType:
    """Import a plugin's file once, under a name of its own.

    Its text is what runs, never a compiled file beside it, and none is written: a user who read a
    file that somebody sent has read all that is run.
    """
    name = _name(file)
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise UsageError(f"{file} cannot be imported: its name must end in .py.")
    module = importlib.util.module_from_spec(spec)
    source = file.read_bytes()
    sys.modules[name] = module
    try:
        exec(compile(source, str(file), "exec", dont_inherit=True), module.__dict__)
    except (ImportError, SyntaxError):
        del sys.modules[name]
        raise
    except Exception as error:
        del sys.modules[name]
        raise UsageError(
            f"plugin {file} stopped while it was imported: {type(error).__name__}: {error}."
        ) from error
    _sources[name] = source
    return module


def _name(file: Path) -> str:
    return f"{_PLUGIN}{file.stem}_{zlib.crc32(os.fsencode(file)):08x}"


def source_of(found: Entry) -> bytes:
    """A method's file: one of the user's as it was imported, whatever it holds by now."""
    if found.module:
        return found.file.read_bytes()
    import_file(found.file)
    return _sources[_name(found.file)]


def file_of(kind: type) -> str:
    """The file of a class that came from a file of the user's; "" for an importable one."""
    module = sys.modules.get(kind.__module__)
    own = kind.__module__.startswith(_PLUGIN)
    return str(getattr(module, "__file__", "") or "") if own else ""
