"""What exactly was done: method, command, configuration, data, environment, checksums."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, NamedTuple

from presight.core import registry
from presight.core.wording import cut, duration, visible
from presight.errors import PresightError
from presight.reporting.blocks import Block, Command, Facts, Folded, Section, Table, Words
from presight.reporting.privacy import bare, without_folders
from presight.reporting.reading import RunFacts, is_finite, table_of

_MOST = 200
_FILES = ("backbone.safetensors", "config.yaml", "data.json")


def section(run: RunFacts) -> Section:
    """Everything needed to do it again, but the data."""
    blocks: list[Block] = [*_method(run), *_command(run)]
    blocks += _options(run)
    blocks.append(Facts("Data and environment", _facts(run)))
    rows = _pairs(run.environment)
    if rows:
        table = Table(("name", "value"), rows, numeric=False)
        blocks.append(Folded("environment in full", table))
    return Section("done", "What exactly was done", "Everything needed to do it again, but the "
                   "data: a colleague needs the same images.", blocks)  # fmt: skip


def title_of(run: RunFacts) -> str:
    """The method as its paper calls it, or its name, or nothing."""
    found = _entry(run)
    return found.title if found else cut(bare(str(run.config.get("method.name") or "")))


def _entry(run: RunFacts) -> registry.Entry | None:
    try:
        return registry.entry(str(run.config.get("method.name", "")))
    except PresightError:
        return None


def _method(run: RunFacts) -> list[Block]:
    found = _entry(run)
    name = str(run.config.get("method.name") or "")
    if found is None:
        text = "It is no method of this installation, so its paper is not known here."
        return [Words(text, cut(bare(name)))] if name else []
    kind = f"A {found.family} method, trained without labels; the backbone alone is kept."
    forward = f"It costs {found.cost:g} forward passes of an image a step."
    source = f"{found.authors}, {found.venue} {found.year}."
    return [Words(f"{kind} {forward} {source}", found.title)]


def _command(run: RunFacts) -> list[Block]:
    held = run.info.get("command")
    words = [bare(str(word)) for word in held] if isinstance(held, list) else []
    if not words:
        return []
    if PurePath(words[0]).name in ("__main__.py", "presight", "presight.exe"):
        words[0] = "presight"
    text = visible(shlex.join(words))[:4000]
    note = "Paths are shown without the folders that lead to them."
    return [Command("Command", re.sub(r" (?=--)", " \\\\\n    ", text), note)]


def _options(run: RunFacts) -> list[Block]:
    """Options that differ from their defaults, the user's in front and in bold; then the others."""
    rows = [_row(run, path, value) for path, value in run.config.items() if "." in path]
    if not rows:
        return []
    default = [row.cells for row in rows if not row.differs]
    changed = sorted((row for row in rows if row.differs), key=lambda row: not row.by_user)
    users = range(sum(row.by_user for row in changed))
    caption = "What differs from the defaults; in bold what the command says"
    table = Table(_HEAD, [row.cells for row in changed], numeric=False, caption=caption,
                  strong=users)  # fmt: skip
    folded = Folded("options at their defaults", Table(_HEAD, default, numeric=False))
    return [table, folded] if changed else [folded]


_HEAD = ("option", "value", "default", "set by")


class _Row(NamedTuple):
    """An option: its line of the table, whether it differs, and whether the user set it."""

    cells: tuple[str, str, str, str]
    differs: bool
    by_user: bool


def _row(run: RunFacts, path: str, value: object) -> _Row:
    name = "method" if path == "method.name" else path.partition(".")[2]
    origin = run.origins.get(name.partition(".")[0], "")  # fields of a recipe have the recipe's
    differs = origin not in ("", "default")  # a run that stored no defaults knows no better
    default = "none" if run.defaults else "not known"
    if name in run.defaults:
        differs, default = run.defaults[name] != value, _value(run.defaults[name])
    cells = (cut(path), _value(value), default, without_folders(cut(origin, 100)))
    return _Row(cells, differs, origin == "user")


def _facts(run: RunFacts) -> list[tuple[str, str]]:
    """The lines that matter most, those that are known."""
    spec, packages = table_of(run.data.get("spec")), table_of(run.environment.get("packages"))
    source = run.data.get("source") or run.config.get("data")
    images = spec.get("n_samples")
    size = spec.get("image_size")
    seconds = run.info.get("seconds")
    software = [f"{name} {cut(packages[name])}" for name in ("presight", "torch", "torchvision")
                if name in packages]  # fmt: skip
    machine = [run.environment.get("device"), run.environment.get("machine"),
               _counted(run.environment.get("cores"), "cores")]  # fmt: skip
    told = {
        "data": _value(source) if source else "",
        "images": ", views of ".join(filter(None, (_counted(images, ""), _counted(size, "px")))),
        "fingerprint": cut(run.data.get("fingerprint") or "", 80),
        "software": ", ".join([*software, f"python {cut(run.environment.get('python', ''))}"]),
        "machine": ", ".join(cut(word) for word in machine if word),
        "time": duration(float(seconds)) if is_finite(seconds) else "",
        "begun": cut(run.info.get("created") or ""),
        **{name: f"SHA-256 {digest}" for name, digest in run.checksums.items() if name in _FILES},
        "sent to anyone": "nothing",
    }
    return [(name, value) for name, value in told.items() if value]


def _counted(value: object, what: str) -> str:
    return (
        f"{value:,} {what}".strip()
        if isinstance(value, int) and not isinstance(value, bool)
        else ""
    )


def _pairs(held: Mapping[str, Any]) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for key, value in held.items():
        if isinstance(value, dict):
            rows += [
                (cut(f"{key}.{bare(str(inner))}"), _value(one)) for inner, one in value.items()
            ]
        else:
            rows.append((cut(key), _value(value)))
    return rows


def _value(value: object) -> str:
    if value is None or value in ("", []):
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return cut(", ".join(map(_value, value)), _MOST)
    if isinstance(value, float) and is_finite(value):
        return f"{value:.6g}"
    return cut(without_folders(bare(str(value))), _MOST)
