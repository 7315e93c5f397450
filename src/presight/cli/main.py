"""The command line: `presight VERB SUBJECT [--option value]`. Imports torch for work only."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

from presight.cli import pages
from presight.cli.console import Console, Result
from presight.cli.parse import parse, peek
from presight.cli.verbs import VERBS
from presight.core import configuration, options, registry, yamlfile
from presight.core.options import MISSING, Option, Owners
from presight.core.settings import Settings
from presight.errors import PresightError, UsageError

_HELP = ("--help", "-h")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Args:
        argv: the words after `presight`; by default those of this process.
    """
    tokens = list(sys.argv[1:] if argv is None else argv)
    rank = int(os.environ.get("RANK", "0") or 0)
    console = Console(json="--json" in tokens, debug="--debug" in tokens, rank=rank)
    tokens = [token for token in tokens if token != "--debug"]
    return console.guard(lambda: _run(tokens, console))


def _run(tokens: list[str], console: Console) -> int:
    if not tokens or tokens[0] in (*_HELP, "help"):
        return console.show(Result(tuple(pages.overview(VERBS))), "help")
    if tokens[0] == "--version":
        from importlib.metadata import version

        return console.show(Result((f"presight {version('presight')}",)), "version")
    verb, *rest = tokens
    if verb not in VERBS:
        raise UsageError(registry.unknown("verb", verb, VERBS, "presight --help"))
    asks = any(token in _HELP for token in rest)
    rest = [token for token in rest if token not in _HELP]
    if verb == "pretrain":
        return console.show(_pretrain(rest, asks), verb)
    rest = [token for token in rest if token != "--json"]
    known = options.of_function(VERBS[verb])
    if asks:
        return console.show(Result(tuple(pages.of_verb(verb, VERBS[verb], known))), "help")
    return console.show(_call(verb, rest, known), verb)


def _call(verb: str, tokens: Sequence[str], known: list[Option]) -> Result:
    owners = Owners(verb, see=f"presight {verb} --help")
    values = options.take(known, parse(tokens, known, owners), owners)
    _require(verb, known, values)
    subjects: list[Any] = []
    for option in known:
        if option.positional:
            value = values.pop(option.name, option.default)
            many = isinstance(value, tuple)
            subjects += value if many else () if value is MISSING else (value,)
    return Result.of(VERBS[verb](*subjects, **values))


def _require(verb: str, known: Sequence[Option], values: dict[str, Any]) -> None:
    for option in known:
        if option.default is MISSING and option.name not in values:
            raise UsageError(
                f"{verb} needs {option.flag}: {option.help} See: presight {verb} --help"
            )


def _pretrain(tokens: Sequence[str], asks: bool) -> Result:
    """Two stages: the method's name first, then everything with that method's options."""
    file = peek(tokens, "config")
    config = _configuration(file) if file else {}
    name = str(peek(tokens, "method") or config.get("method", Settings.method))
    plugin = str(peek(tokens, "plugin") or config.get("plugin", ""))
    entry = registry.entry(name, plugin)
    backbone = str(peek(tokens, "backbone") or config.get("backbone", "auto"))
    if backbone != "auto":
        from presight.nn import catalog

        catalog.check(backbone)
    method = registry.load(name, plugin)
    subject = options.of_function(VERBS["pretrain"])[0]
    reads = Option("config", str, "", "a YAML file with options; flags override it.", "settings")
    known = [subject, reads, *options.of_pretraining(method)]
    if asks:
        return Result(tuple(pages.of_pretraining(known, method.card, entry)))
    found = parse(tokens, known, options.owners_of(name, plugin))
    found.pop("config", None)
    saved = config.pop("data", None)
    data = found.pop("data", saved)
    if not data:
        _require("pretrain", [subject], {})
    if file:
        try:
            options.split(**{**config, "method": name, "plugin": plugin})
        except PresightError as error:
            raise type(error)(f"{file}: {error}") from error
    return Result.of(VERBS["pretrain"](str(data), split=options.split(**{**config, **found})))


def _configuration(file: str) -> dict[str, Any]:
    try:
        return configuration.flatten(yamlfile.read(file))
    except UsageError as error:
        text = str(error)
        raise UsageError(text if file in text else f"{file}: {text}") from error
