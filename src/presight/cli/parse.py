"""Flat flags to options: `--name value`, `--name=value`, `name=value`, `--switch`, subjects."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from presight.core.options import Option, Owners, unknown_option
from presight.core.values import words
from presight.errors import UsageError

_PAIR = re.compile(r"^([A-Za-z][\w.-]*)=(.*)$", re.DOTALL)
_NUMBER = re.compile(r"^-[\d.]")
_SWITCH_VALUES = ("true", "false", "yes", "no", "on", "off")


def peek(tokens: Sequence[str], name: str) -> str | None:
    """The last value of one option, before it is known which other options there are."""
    flag, found = "--" + name, None
    for number, token in enumerate(tokens):
        if token == flag and number + 1 < len(tokens):
            found = tokens[number + 1]
        elif token.startswith((flag + "=", name + "=")):
            found = token.partition("=")[2]
    return found


def parse(tokens: Sequence[str], known: Sequence[Option], owners: Owners) -> dict[str, Any]:
    """Options by name, their values as text; of an option that is given twice the last counts.

    Raises:
        UsageError: an unknown option, an option without its value, too many subjects.
    """
    by_name = {option.name: option for option in known}
    found: dict[str, Any] = {}
    subjects: list[str] = []
    rest = list(tokens)
    while rest:
        token = rest.pop(0)
        if token == "--":
            subjects += rest
            break
        if token.startswith("--"):
            name, equals, value = token[2:].partition("=")
            _flag(name, value if equals else None, rest, by_name, owners, found)
        elif token.startswith("-") and len(token) > 1 and not _NUMBER.match(token):
            raise UsageError(unknown_option(token.lstrip("-"), by_name, owners))
        elif (pair := _PAIR.match(token)) and not Path(token).exists():
            _flag(pair[1], pair[2], rest, by_name, owners, found)
        else:
            subjects.append(token)
    _place(subjects, [option for option in known if option.positional], owners, found)
    return found


def _key(name: str) -> str:
    return name.replace("-", "_")


def _flag(
    name: str,
    value: str | None,
    rest: list[str],
    by_name: dict[str, Option],
    owners: Owners,
    found: dict[str, Any],
) -> None:
    key = _key(name)
    negated = key.removeprefix("no_")
    if key not in by_name and negated in by_name and by_name[negated].is_flag and value is None:
        found[negated] = "false"
        return
    option = by_name.get(key)
    if option is None or option.positional:
        raise UsageError(unknown_option(name, by_name, owners))
    if value is None and option.is_flag:
        value = rest.pop(0) if rest and rest[0].lower() in _SWITCH_VALUES else "true"
    if value is None:
        if not rest or (rest[0].startswith("-") and not _NUMBER.match(rest[0])):
            raise UsageError(
                f"{option.flag} needs a value ({words(option.annotation)}): {option.help}"
            )
        value = rest.pop(0)
    found[key] = value


def _place(
    values: list[str], subjects: list[Option], owners: Owners, found: dict[str, Any]
) -> None:
    """Give the words without a flag to the subjects, in order."""
    rest = list(values)
    for option in subjects:
        if _many(option):
            found[option.name], rest = rest, []
        elif rest:
            found[option.name] = rest.pop(0)
    if rest:
        raise UsageError(
            f'unexpected "{rest[0]}" for {owners.command}: options begin with --. See: {owners.see}'
        )


def _many(option: Option) -> bool:
    return getattr(option.annotation, "__origin__", None) is tuple
