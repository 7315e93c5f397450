"""Values of options: text or YAML data to the declared type and back. No torch here."""

from __future__ import annotations

import dataclasses
import importlib
import math
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from presight.core import yamlfile
from presight.errors import UsageError

_TRUE = ("true", "yes", "on", "1")
_RECIPE = "recipe: a name or a YAML file"
_FALSE = ("false", "no", "off", "0")


class _Mismatch(ValueError):
    """The value is not of the declared type; the caller knows the path."""


def coerce(value: object, annotation: Any, path: str) -> Any:
    """The value as the declared type.

    Args:
        value: text of the command line, or plain data of a YAML file.
        annotation: float, int, bool, str, Literal, tuple, a union of these, a recipe or another
            frozen dataclass.
        path: where the value stands, for the message: `--lr`, `method.views.scale`.

    Raises:
        UsageError: names the path, the value and what was expected.
    """
    try:
        return _convert(value, annotation, path)
    except _Mismatch:
        shown = "none" if value is None else repr(value) if isinstance(value, str) else str(value)
        raise UsageError(f"{path} is {shown}; expected {words(annotation)}.") from None


def plain(value: object) -> Any:
    """Plain data for YAML; `coerce` brings the value back."""
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
        name = getattr(type(value), "name", None)
        return {"name": name, **fields} if isinstance(name, str) else fields
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{type(value).__name__} cannot stand in a configuration")


def words(annotation: Any) -> str:
    """A type in words, as messages and help print it."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        shown = [str(part) for part in parts]
        return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} or {shown[-1]}"
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(words(part) for part in parts))
    if origin is tuple:
        if len(parts) == 2 and parts[1] is Ellipsis:
            return f"{words(parts[0])}, several with commas"
        return ",".join(words(part) for part in parts)
    if annotation is type(None):
        return "none"
    if is_recipe(annotation):
        return _RECIPE
    if annotation is bool:
        return "true or false"
    if annotation in (str, Path):
        return "text"
    return str(getattr(annotation, "__name__", annotation))


def is_recipe(annotation: Any) -> bool:
    """Whether the type is a recipe of views, told by its base's name: recipes import torch."""
    return isinstance(annotation, type) and any(
        base.__module__ == "presight.core.recipe" and base.__name__ == "Recipe"
        for base in annotation.__mro__
    )


def _convert(value: object, annotation: Any, path: str) -> Any:
    origin = get_origin(annotation)
    if origin is Literal:
        return _literal(value, get_args(annotation))
    if origin in (Union, types.UnionType):
        return _union(value, get_args(annotation), path)
    if origin is tuple:
        return _tuple(value, get_args(annotation), path)
    if annotation in _SCALARS:
        return _SCALARS[annotation](value)
    if is_recipe(annotation):
        return recipe(value, path)
    if dataclasses.is_dataclass(annotation):
        return _dataclass(value, annotation, path)
    raise TypeError(f"{path} is declared as {annotation}, which no option can hold")


def _literal(value: object, allowed: tuple[object, ...]) -> object:
    for choice in allowed:
        same_kind = not isinstance(value, bool) or isinstance(choice, bool)
        if same_kind and str(choice) == str(value):
            return choice
    raise _Mismatch


def _union(value: object, parts: tuple[Any, ...], path: str) -> Any:
    """The first part that takes the value: none first, text last, because it takes anything."""
    for part in sorted(parts, key=lambda part: (part is str) - (part is type(None))):
        try:
            return _convert(value, part, path)
        except _Mismatch:
            continue
    raise _Mismatch


def _tuple(value: object, parts: tuple[Any, ...], path: str) -> tuple[Any, ...]:
    if isinstance(value, str):
        items: list[object] = [item.strip() for item in value.strip("()[] ").split(",")]
        items = [item for item in items if item != ""]
    elif isinstance(value, list | tuple):
        items = list(value)
    else:
        items = [value]
    if len(parts) == 2 and parts[1] is Ellipsis:
        parts = (parts[0],) * len(items)
    if len(parts) != len(items):
        raise _Mismatch
    return tuple(_convert(item, part, path) for item, part in zip(items, parts, strict=True))


def _float(value: object) -> float:
    if isinstance(value, str):
        above, slash, below = value.partition("/")
        try:
            value = float(above) / float(below) if slash else float(value)
        except (ValueError, ZeroDivisionError):
            raise _Mismatch from None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _Mismatch
    if not math.isfinite(value):
        raise _Mismatch
    return float(value)


def _int(value: object) -> int:
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            value = _float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise _Mismatch
    return int(value)


def _bool(value: object) -> bool:
    if isinstance(value, bool):
        return value
    text = value.casefold() if isinstance(value, str) else ""
    if text in _TRUE + _FALSE:
        return text in _TRUE
    raise _Mismatch


def _str(value: object) -> str:
    if not isinstance(value, str):
        raise _Mismatch
    return value


def _none(value: object) -> None:
    if value is not None and value not in ("none", "null"):
        raise _Mismatch


_SCALARS: dict[Any, Callable[[object], Any]] = {
    float: _float,
    int: _int,
    bool: _bool,
    str: _str,
    Path: _str,  # of `str | Path`: the text as it was written, which may be no path: scenes:9
    type(None): _none,
}


def recipe(value: object, path: str, own: type | None = None) -> Any:
    """A recipe from its name, from a YAML file, or from {name: ..., fields ...}.

    Args:
        value: as given.
        path: where it stands, for messages.
        own: a recipe's class that goes by its name here though no catalogue lists it: a plugin's.
    """
    if is_recipe(type(value)):
        return value
    if isinstance(value, str) and value.endswith((".yaml", ".yml")):
        value = yamlfile.read(value)
    fields = {"name": value} if isinstance(value, str) else value
    if not isinstance(fields, Mapping):
        raise UsageError(f"{path} is {value}; expected {_RECIPE}.")
    name = fields.get("name")
    if not isinstance(name, str):
        raise UsageError(f"{path} has no name. A recipe is {{name: NAME, field: value, ...}}.")
    if own is None or getattr(own, "name", None) != name:
        views = importlib.import_module("presight.views")  # by name: core lies below views
        own = views.recipe_class(name)
    return _replaced(own(), {key: item for key, item in fields.items() if key != "name"}, path)


def _dataclass(value: object, kind: Any, path: str) -> Any:
    if isinstance(value, kind):
        return value
    if not isinstance(value, Mapping):
        raise _Mismatch
    return kind(**_fields(kind, value, path))


def _replaced(base: Any, fields: Mapping[str, object], path: str) -> Any:
    return dataclasses.replace(base, **_fields(type(base), fields, path))


def _fields(kind: Any, given: Mapping[str, object], path: str) -> dict[str, Any]:
    hints = get_type_hints(kind)
    known = [field.name for field in dataclasses.fields(kind)]
    for key in given:
        if key not in known:
            raise UsageError(f"{path} has no field {key}. Its fields: {', '.join(known)}.")
    return {key: coerce(item, hints[key], f"{path}.{key}") for key, item in given.items()}
