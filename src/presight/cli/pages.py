"""Help pages, made from option lists."""

from __future__ import annotations

import inspect
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from presight.core.options import MISSING, Option, shown
from presight.core.values import plain, words

if TYPE_CHECKING:
    from presight.core.method import Card
    from presight.core.registry import Entry

_HELP_COLUMN = 26


def overview(verbs: Mapping[str, Callable[..., Any]]) -> list[str]:
    """The page of `presight --help`."""
    width = max(map(len, verbs)) + 4
    return [
        *paragraph(
            "presight: see before labels. Pretrain visual backbones without labels, and measure "
            "what that is worth."
        ),
        "",
        "usage: presight VERB SUBJECT [--option value]",
        "",
        *(x for name, verb in verbs.items() for x in _entry(f"  {name}", summary(verb), width)),
        "",
        "Every verb: --help, --json (a last line for machines), --debug (tracebacks).",
        "Start with: presight demo, or presight pretrain photos/ --out runs/a",
    ]


def of_verb(name: str, verb: Callable[..., Any], options: Sequence[Option]) -> list[str]:
    """The page of one verb."""
    return [usage(name, options), "", *paragraph(summary(verb)), "", *table(options, {})]


def of_pretraining(options: Sequence[Option], card: Card, entry: Entry) -> list[str]:
    """The page of `presight pretrain --method NAME --help`."""
    if card.backbone == "own":
        options = [option for option in options if option.name != "backbone"]
    own = [option for option in options if option.group == card.name]
    plan = [option for option in options if option.group == "plan"]
    subjects = [option for option in options if option.positional]
    rest = [option for option in options if option not in own + plan + subjects]
    presets = preset_values(card, own + plan)
    return [
        usage("pretrain", options),
        "",
        *paragraph("Pretrain a backbone on images, without labels."),
        *table(subjects, {}),
        "",
        f"method {card.name}: {card.title} ({card.family})",
        *paragraph(
            f"{entry.authors}, {entry.venue} {entry.year}. Costs {entry.cost:g} forward passes of "
            "an image a step."
        ),
        *table(own, presets),
        "",
        "training (defaults come from the method's preset)",
        *table(plan, presets),
        "",
        "data, device, run folder, output",
        *table(rest, {}),
    ]


def usage(name: str, options: Iterable[Option]) -> str:
    """The usage line."""
    subjects = []
    for option in options:
        if option.positional:
            many = getattr(option.annotation, "__origin__", None) is tuple
            word = option.flag + ("..." if many else "")
            needed = option.default is MISSING and not many
            subjects.append(word if needed else f"[{word}]")
    return " ".join(["usage: presight", name, *subjects, "[--option value]"])


def table(options: Iterable[Option], presets: Mapping[str, str]) -> list[str]:
    """One entry an option: flag, help, type and default."""
    lines: list[str] = []
    for option in options:
        default = presets.get(option.name)
        if default is None and option.default is not MISSING:
            default = shown(option.default)
        kind = "switch" if option.is_flag else words(option.annotation)
        ending = f"({kind})" if default is None else f"({kind}; default {default})"
        if option.default is MISSING and not option.positional:
            ending = f"({kind}; must be given)"
        lines += _entry(f"  {option.flag}", f"{option.help} {ending}".strip(), _HELP_COLUMN)
    return lines


def _entry(head: str, text: str, column: int) -> list[str]:
    """A head, and its text from a column on: beside it where it fits, else below."""
    body = paragraph(text, column)
    if len(head) + 2 > column:
        return [head, *body]
    return [head.ljust(column) + body[0].lstrip(), *body[1:]]


def preset_values(card: Card, options: Iterable[Option]) -> dict[str, str]:
    """Option name -> its default by preset, in words: `1.0`, or `0.5 (32), 0.1 (imagenet)`."""
    chosen = {name: {**plain(p.plan), **p.options} for name, p in card.presets.items()}
    found = {}
    for option in options:
        values = {
            name: shown(all_.get(option.name, option.default)) for name, all_ in chosen.items()
        }
        if len(set(values.values())) == 1:
            found[option.name] = next(iter(values.values()))
        elif values:
            found[option.name] = ", ".join(f"{value} ({name})" for name, value in values.items())
    return found


def summary(verb: Callable[..., Any]) -> str:
    """The first line of a docstring."""
    return (inspect.getdoc(verb) or "").partition("\n")[0]


def paragraph(text: str, indent: int = 0) -> list[str]:
    """Wrapped text: 80 columns in a pipe, the terminal's width up to 100 otherwise."""
    width = min(shutil.get_terminal_size().columns, 100) if sys.stdout.isatty() else 80
    space = " " * indent
    return textwrap.wrap(
        text, width, initial_indent=space, subsequent_indent=space, break_on_hyphens=False
    )
