"""Options, read from signatures: the only place that does so. No torch here.

A constructor's signature is where an option exists; command line, YAML, help, the saved
configuration and the messages are made from the lists below.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, get_type_hints

from presight.core import ranges, registry, wording
from presight.core.plan import TrainPlan
from presight.core.settings import Settings
from presight.core.values import coerce, is_recipe, plain, recipe, words
from presight.errors import UsageError

if TYPE_CHECKING:
    from presight.core.method import Method

MISSING: Any = inspect.Parameter.empty
_GROUPS = {"settings": "Settings", "plan": "TrainPlan"}


@dataclass(frozen=True)
class Option:
    """One option.

    Args:
        name: in Python and YAML.
        annotation: its declared type.
        default: MISSING where the option must be given.
        help: from the docstring's Args.
        group: settings, plan, a verb's or a method's name.
        positional: a command's subject, given without a flag.
    """

    name: str
    annotation: Any
    default: Any
    help: str
    group: str
    positional: bool = False

    @property
    def flag(self) -> str:
        """As on the command line."""
        return self.name.upper() if self.positional else wording.flag(self.name)

    @property
    def is_flag(self) -> bool:
        """Whether it stands without a value: true or false."""
        return self.annotation is bool

    def brief(self) -> str:
        """Flag, type and default: `--temperature (float, default 0.1)`."""
        if self.default is MISSING:
            return f"{self.flag} ({words(self.annotation)})"
        return f"{self.flag} ({words(self.annotation)}, default {shown(self.default)})"


class Split(NamedTuple):
    """A flat set of options, sorted to their owners."""

    settings: Settings
    plan: dict[str, Any]
    options: dict[str, Any]


@dataclass(frozen=True)
class Owners:
    """Who has which option: for messages about the options of other methods.

    Args:
        command: what the message calls this set: `method simclr`, `evaluate`.
        others: option name -> the methods that have it.
        see: the command whose help lists the options.
    """

    command: str
    others: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    see: str = ""


def shown(value: object) -> str:
    """A default as help prints it."""
    data = plain(value)
    if isinstance(data, dict):
        return str(data.get("name", data))
    if isinstance(data, list):
        return ",".join(str(item) for item in data) or "none"
    if data is None or data == "":
        return "none"
    return str(data).lower() if isinstance(data, bool) else str(data)


def of_dataclass(kind: type, group: str) -> list[Option]:
    """Options of a dataclass: its fields."""
    hints, helps = get_type_hints(kind), arguments(kind.__doc__)
    found = []
    for item in dataclasses.fields(kind):
        default: Any = MISSING
        if item.default is not dataclasses.MISSING:
            default = item.default
        elif item.default_factory is not dataclasses.MISSING:
            default = item.default_factory()
        found.append(Option(item.name, hints[item.name], default, helps.get(item.name, ""), group))
    return found


def of_method(method: type[Method]) -> list[Option]:
    """Options of a method: the keyword-only part of its constructor."""
    constructor = method.__init__
    helps: dict[str, str] = {}
    for base in reversed(method.__mro__):
        for text in (base.__doc__, base.__dict__.get("__init__", base).__doc__):
            helps |= arguments(text)
    return _of_signature(constructor, helps, method.card.name, subjects=False)


def of_function(function: Callable[..., Any]) -> list[Option]:
    """Subjects and options of a verb: arguments by position, and those that go by keyword.

    What Python takes by either is a subject where it has no default, and an option where it has.
    """
    helps = arguments(function.__doc__)
    return _of_signature(function, helps, function.__name__, subjects=True)


def of_pretraining(method: type[Method]) -> list[Option]:
    """Every option of pretraining with this method.

    Raises:
        UsageError: two options share a name.
    """
    found = of_dataclass(Settings, "settings") + of_dataclass(TrainPlan, "plan") + of_method(method)
    seen: dict[str, Option] = {}
    for option in found:
        if option.name in seen:
            raise UsageError(
                f"method {method.card.name} has an option {option.name}, which "
                f"{_GROUPS[seen[option.name].group]} has too. Rename it in the method."
            )
        seen[option.name] = option
    return found


def _of_signature(
    function: Callable[..., Any], helps: Mapping[str, str], group: str, *, subjects: bool
) -> list[Option]:
    hints = _types_of_arguments(function)
    found = []
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            raise UsageError(f"{group} takes **{name}: options must be named one by one.")
        by_either = parameter.kind is parameter.POSITIONAL_OR_KEYWORD
        optional = by_either and parameter.default is not MISSING
        keyword = parameter.kind is parameter.KEYWORD_ONLY or (subjects and optional)
        if keyword or subjects:
            annotation: Any = hints.get(name, str)
            text = helps.get(name, "")
            if parameter.kind is parameter.VAR_POSITIONAL:
                annotation = types.GenericAlias(tuple, (annotation, ...))
            found.append(
                Option(name, annotation, parameter.default, text, group, positional=not keyword)
            )
    return found


def _types_of_arguments(function: Callable[..., Any]) -> dict[str, Any]:
    """Declared types; not the returned one, which may be a name that only type checkers import."""
    declared = {name: kind for name, kind in function.__annotations__.items() if name != "return"}
    arguments_alone = types.SimpleNamespace(__annotations__=declared)
    return get_type_hints(arguments_alone, inspect.unwrap(function).__globals__)


_ITEM = re.compile(r"^(\*{0,2}\w+(?:, \*{0,2}\w+)*)(?: \([^)]*\))?:\s*(.*)$")


def arguments(docstring: str | None) -> dict[str, str]:
    """The Args section of a Google-style docstring: name -> text; `a, b: text` names both."""
    lines = inspect.cleandoc(docstring or "").splitlines()
    starts = [number for number, line in enumerate(lines) if line.lstrip().startswith("Args:")]
    found: dict[str, str] = {}
    current: list[str] = []
    for line in lines[starts[0] + 1 :] if starts else ():
        indent = len(line) - len(line.lstrip())
        if line.strip() and indent == 0:
            break
        match = _ITEM.match(line.strip()) if indent <= 4 else None
        if match:
            current = [name.lstrip("*") for name in match[1].split(", ")]
            found |= dict.fromkeys(current, match[2])
        elif line.strip():
            for name in current:
                found[name] = f"{found[name]} {line.strip()}".strip()
    return found


def split(**flat: object) -> Split:
    """Sort flat options to settings, plan and method, each value as its declared type.

    Args:
        flat: options by name; `method` (simclr by default) decides which there are.

    Raises:
        UsageError: an unknown option or a value of another type.
    """
    method = coerce(flat.get("method", Settings.method), str, "--method")
    plugin = coerce(flat.get("plugin", ""), str, "--plugin")
    known = of_pretraining(registry.load(method, plugin))
    return _sorted(known, take(known, flat, owners_of(method, plugin)), method)


def split_without(**flat: object) -> Split:
    """As `split`, for a method whose code is not at hand: its options stay as they are written."""
    known = of_dataclass(Settings, "settings") + of_dataclass(TrainPlan, "plan")
    names = {option.name for option in known}
    own = {name: value for name, value in flat.items() if name not in names}
    rest = {name: value for name, value in flat.items() if name in names}
    return _sorted(known, take(known, rest, Owners("pretrain")), "")._replace(options=own)


def _sorted(known: Iterable[Option], values: Mapping[str, Any], method: str) -> Split:
    parts: dict[str, dict[str, Any]] = {"settings": {}, "plan": {}, method: {}}
    for option in known:
        if option.name in values:
            parts[option.group][option.name] = values[option.name]
    return Split(Settings(**parts["settings"]), parts["plan"], parts[method])


def owners_of(method: str, plugin: str = "") -> Owners:
    """Who has which option, seen from one method."""
    others: dict[str, tuple[str, ...]] = {}
    for item in registry.entries(plugin).values():
        for name in item.options:
            others[name] = (*others.get(name, ()), item.name)
    return Owners(f"method {method}", others, f"presight pretrain --method {method} --help")


def take(known: Iterable[Option], flat: Mapping[str, object], owners: Owners) -> dict[str, Any]:
    """The values, each as its option's declared type.

    Raises:
        UsageError: an unknown option or a value of another type.
    """
    by_name = {option.name: option for option in known}
    for name in flat:
        if name not in by_name:
            raise UsageError(unknown_option(name, by_name, owners))
    return {name: _value(by_name[name], value) for name, value in flat.items()}


def _value(option: Option, value: object) -> Any:
    if is_recipe(option.annotation) and is_recipe(type(option.default)):
        return recipe(value, option.flag, own=type(option.default))
    coerced = coerce(value, option.annotation, option.flag)
    if option.group in _GROUPS:
        ranges.check(option.name, coerced, option.flag)
    return coerced


def unknown_option(name: str, known: Mapping[str, Option], owners: Owners) -> str:
    """The message for an option that does not exist here."""
    flag = wording.flag(name)
    plain_name = name.replace("-", "_")
    holders = owners.others.get(plain_name)
    if holders:
        return f"{flag} belongs to {', '.join(holders)}, not {owners.command.split()[-1]}."
    last = plain_name.rpartition(".")[2]  # people of other tools write --method.temperature
    named = [option.name for option in known.values() if not option.positional]
    near = registry.nearest(last, named, count=1, cutoff=0.6)
    hint = f" Did you mean {known[near[0]].brief()}?" if near else ""
    see = f" See: {owners.see}" if owners.see and not near else ""
    return f"unknown option {flag} for {owners.command}.{hint}{see}"
