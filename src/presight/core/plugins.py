"""Imports methods' files: those of packages, and a user's own under a name of their own."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import zlib
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from presight.errors import Unavailable, UsageError

if TYPE_CHECKING:
    from presight.core.registry import Entry

_PLUGIN = "presight_plugin_"


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
    """Import a plugin's file once, under a name of its own."""
    name = f"{_PLUGIN}{file.stem}_{zlib.crc32(str(file).encode()):08x}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise UsageError(f"{file} cannot be imported: its name must end in .py.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (ImportError, SyntaxError):
        del sys.modules[name]
        raise
    except Exception as error:
        del sys.modules[name]
        raise UsageError(
            f"plugin {file} stopped while it was imported: {type(error).__name__}: {error}."
        ) from error
    return module


def file_of(kind: type) -> str:
    """The file of a class that came from a file of the user's; "" for an importable one."""
    module = sys.modules.get(kind.__module__)
    own = kind.__module__.startswith(_PLUGIN)
    return str(getattr(module, "__file__", "") or "") if own else ""
