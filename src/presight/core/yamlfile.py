"""YAML that means what it says: YAML 1.2 numbers, words stay words, nothing ambiguous passes.

PyYAML's safe loader reads YAML 1.1: `lr: 1e-4` is text there, `no` is false, `010` is 8, `12:30`
is 750, and of two equal keys the second wins silently.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from presight.errors import UsageError

MAX_BYTES = 1_000_000
HEADER = "# presight config, layout 1: unknown keys are errors\n"


class _Loader(yaml.SafeLoader):
    """Safe loader with YAML 1.2's core schema, and nothing that hides what a file says."""

    yaml_implicit_resolvers: dict[str, Any] = {}

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent):
            raise _problem("aliases (*name) are not allowed; write the value out", event)
        if getattr(event, "anchor", None):
            raise _problem("anchors (&name) are not allowed; write the value out", event)
        if getattr(event, "tag", None):
            raise _problem(f"tags ({event.tag}) are not allowed", event)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: dict[str, int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _problem("keys must be words", key)
            if key.value in seen:
                raise _problem(f"{key.value} stands twice, first in line {seen[key.value]}", key)
            seen[key.value] = key.start_mark.line + 1
        return {
            str(key.value): self.construct_object(value, deep=True) for key, value in node.value
        }


def _problem(text: str, node: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=text, problem_mark=node.start_mark)


def _int(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int:
    return int(node.value, {"0x": 16, "0o": 8}.get(node.value[:2], 10))


def _float(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> float:
    value = float(node.value.replace(".inf", "inf").replace(".nan", "nan"))
    if not math.isfinite(value):
        raise _problem(f"{node.value} is not a finite number", node)
    return value


_RULES = (
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("int", r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$", list("-+0123456789")),
    (
        "float",
        r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|nan))$",
        list("-+0123456789."),
    ),
)
for _tag, _pattern, _first in _RULES:
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), _first)
_Loader.add_constructor("tag:yaml.org,2002:int", _int)
_Loader.add_constructor("tag:yaml.org,2002:float", _float)


def read(path: str | Path) -> dict[str, Any]:
    """A file's mapping.

    Raises:
        UsageError: the file is missing, too large, or not what `parse` takes.
    """
    file = Path(path)
    try:
        with file.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}.") from error
    if len(raw) > MAX_BYTES:
        raise UsageError(f"{path} is larger than 1 MB; a configuration is a few lines of YAML.")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text (byte {error.start}).") from error
    return parse(text, str(path))


def parse(text: str, source: str = "the text") -> dict[str, Any]:
    """A mapping from YAML text; an empty text is an empty mapping.

    Args:
        text: one YAML document.
        source: its name in messages.

    Raises:
        UsageError: with the line, for anything but plain mappings, lists and values.
    """
    if len(text) > MAX_BYTES:
        raise UsageError(f"{source} is larger than 1 MB; a configuration is a few lines of YAML.")
    try:
        data = yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f", line {mark.line + 1}" if mark else ""
        raise UsageError(f"{source}{where}: {error.problem or error.context}.") from error
    except yaml.YAMLError as error:
        raise UsageError(f"{source}: {str(error).splitlines()[0]}.") from error
    except RecursionError as error:
        raise UsageError(f"{source} is nested too deeply.") from error
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise UsageError(f"{source} must hold `key: value` lines, not {type(data).__name__}.")
    return data


def dump(data: Mapping[str, Any], origins: Mapping[str, str] | None = None) -> str:
    """YAML text that `parse` reads back equal; each value with a comment of its origin.

    Args:
        data: plain mappings, lists and values.
        origins: dotted path -> default, auto (with its rule), user or preset.
    """
    out = io.StringIO()
    out.write(HEADER)
    _write(out, data, origins or {}, 0, "")
    return out.getvalue()


def _write(
    out: io.StringIO, data: Mapping[str, Any], origins: Mapping[str, str], depth: int, path: str
) -> None:
    for key, value in data.items():
        here = f"{path}{key}"
        origin = f"  # {' '.join(origins[here].split())}" if here in origins else ""
        head = "  " * depth + _scalar(key)
        if isinstance(value, Mapping) and value:
            out.write(f"{head}:{origin}\n")
            _write(out, value, origins, depth + 1, f"{here}.")
        else:
            out.write(f"{head}: {_inline(value)}{origin}\n")


def _inline(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_scalar(k)}: {_inline(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_inline(item) for item in value) + "]"
    return _scalar(value)


_BARE = re.compile(r"^[A-Za-z_./][\w./-]*$", re.ASCII)
_ELSEWHERE = re.compile(r"^(?:y|n|yes|no|on|off)$", re.IGNORECASE)  # readers of YAML 1.1


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} cannot stand in a configuration")
    if isinstance(value, int | float):
        return repr(value)
    text = str(value)
    ambiguous = any(re.match(pattern, text) for _, pattern, _ in _RULES)
    if _BARE.match(text) and not ambiguous and not _ELSEWHERE.match(text):
        return text
    return _quoted(text)


def _quoted(text: str) -> str:
    """Double quotes; everything that is no printable ASCII is escaped."""
    out = []
    for char in text:
        code = ord(char)
        if char in '"\\':
            out.append("\\" + char)
        elif 0x20 <= code < 0x7F or char.isprintable():
            out.append(char)
        elif code <= 0xFFFF:
            out.append(f"\\u{code:04x}")
        else:
            out.append(f"\\U{code:08x}")
    return f'"{"".join(out)}"'
