"""Finds methods without importing them: files are listed, cards are read by ast. No torch here."""

from __future__ import annotations

import ast
import difflib
import importlib.util
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from presight.core import plugins
from presight.errors import UsageError

if TYPE_CHECKING:
    from presight.core.method import Method

GROUP = "presight.methods"
# fmt: off
CARD_FIELDS = (
    "name", "title", "family", "authors", "year", "venue", "cost", "backbone", "presets",
    "failures", "loss",
)
# fmt: on
"""Card's fields in order: a card may name them by position."""

_BUILT_IN = Path(__file__).resolve().parent.parent / "methods"


@dataclass(frozen=True)
class Entry:
    """What is known of a method before it is imported.

    Args:
        name, title, family, authors, year, venue, cost, backbone, loss: as in its card.
        options: names of its constructor's keyword-only options, for messages.
        module: import name; empty for a plugin's file.
        file: where it stands.
        class_name: of the method.
    """

    name: str
    title: str
    family: str
    authors: str
    year: int
    venue: str
    cost: float
    backbone: str
    loss: str
    options: tuple[str, ...]
    module: str
    file: Path
    class_name: str


def names(plugin: str = "") -> list[str]:
    """All methods' names, sorted; `plugin` adds a file of the user's."""
    return sorted(entries(plugin))


def entry(name: str, plugin: str = "") -> Entry:
    """One method's entry.

    Raises:
        UsageError: no such method; the text names the nearest.
    """
    known = entries(plugin)
    if name not in known:
        raise UsageError(unknown("method", name, known, "presight list methods"))
    return known[name]


def load(name: str, plugin: str = "") -> type[Method]:
    """Import one method's file, and no other's, and return its class.

    Args:
        name: as in the list of methods.
        plugin: a Python file with methods of your own.
    """
    return _load(entry(name, plugin))


def of_file(file: Path) -> list[Entry]:
    """The methods of a file of the user's, at least one.

    Raises:
        UsageError: no file, no Python, or no method in it.
    """
    return _of_plugin(str(file))


def load_file(file: Path, class_name: str) -> type[Method]:
    """A method's class from a file of the user's, whatever other methods are called.

    Raises:
        UsageError: the file cannot be imported, or holds no such method.
    """
    for found in of_file(file):
        if found.class_name == class_name:
            return _load(found)
    raise UsageError(f"{file} has no method {class_name}.")


def _load(found: Entry) -> type[Method]:
    module = plugins.import_of(found)
    loaded = getattr(module, found.class_name, None)
    from presight.core.method import Method  # here, because it imports torch

    if not (isinstance(loaded, type) and issubclass(loaded, Method)):
        raise UsageError(
            f"{found.class_name} in {found.file} has a card but is no Method. "
            "Derive it from presight.core.method.Method."
        )
    return loaded


def entries(plugin: str = "") -> dict[str, Entry]:
    """All methods by name: presight's, other packages' and the plugin file's.

    Raises:
        UsageError: two methods of one name, or a plugin that cannot be read.
    """
    found: dict[str, Entry] = {}
    for item in (*_installed(), *_of_plugin(plugin)):
        if item.name in found:
            raise UsageError(
                f'two methods are called "{item.name}": {found[item.name].file} and {item.file}. '
                "Rename one's card."
            )
        found[item.name] = item
    return found


def unknown(kind: str, name: str, known: Iterable[str], see: str) -> str:
    """The message for a name that does not exist."""
    near = nearest(name, known)
    hint = f" Nearest: {', '.join(near)}." if near else ""
    return f'no {kind} "{name}".{hint} See: {see}'


def nearest(name: str, known: Iterable[str], count: int = 3, cutoff: float = 0.3) -> list[str]:
    """The names most like `name`, best first; case, - and _ do not count."""
    plain: dict[str, list[str]] = {}
    for candidate in known:
        plain.setdefault(_plain(candidate), []).append(candidate)
    close = difflib.get_close_matches(_plain(name), list(plain), n=count, cutoff=cutoff)
    return [candidate for key in close for candidate in plain[key]][:count]


def _plain(name: str) -> str:
    return name.casefold().translate({ord(mark): None for mark in "-_. "})


@lru_cache(maxsize=1)
def _installed() -> tuple[Entry, ...]:
    found: list[Entry] = []
    for file in sorted(_BUILT_IN.glob("*/*.py")):
        if not file.name.startswith("_"):
            found += _read(file, f"presight.methods.{file.parent.name}.{file.stem}")
    for module, file in _entry_point_files():
        try:
            found += _read(file, module)
        except UsageError as error:  # another package's fault must not stop presight
            warnings.warn(f"methods of {module} are left out: {error}", stacklevel=2)
    return tuple(found)


def _of_plugin(plugin: str) -> list[Entry]:
    if not plugin:
        return []
    file = Path(plugin)
    if not file.is_file():
        raise UsageError(
            f"no plugin file {plugin}. --plugin takes a Python file with methods; a run that was "
            "made with one keeps a copy, plugin.py in its folder."
        )
    found = _read(file.resolve(), "")
    if not found:
        raise UsageError(
            f"{plugin} holds no method: no class in it has `card = Card(...)` in its body."
        )
    return found


def _entry_point_files() -> Iterator[tuple[str, Path]]:
    """Modules that other packages announce, as (import name, file), found without an import."""
    from importlib.metadata import entry_points

    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        head, *rest = point.module.split(".")
        spec = importlib.util.find_spec(head)
        if spec is None:
            continue  # a package that was removed by hand; asking for its method says so
        if not rest and spec.origin:
            yield point.module, Path(spec.origin)
        for folder in spec.submodule_search_locations or () if rest else ():
            file = Path(folder, *rest).with_suffix(".py")
            if file.is_file():
                yield point.module, file
                break


def _read(file: Path, module: str) -> list[Entry]:
    """The methods of a file: its classes with a card."""
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"))
    except (SyntaxError, ValueError) as error:
        raise UsageError(f"{file} is not valid Python: {error}.") from error
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    found = []
    for node in classes.values():
        card = _card(node)
        if card is not None:
            found.append(_entry(card, node, classes, file, module))
    return found


def _card(node: ast.ClassDef) -> ast.Call | None:
    for line in node.body:
        if isinstance(line, ast.Assign):
            targets: Sequence[ast.expr] = line.targets
        elif isinstance(line, ast.AnnAssign):
            targets = (line.target,)
        else:
            continue
        if any(isinstance(target, ast.Name) and target.id == "card" for target in targets):
            value = line.value
            called = value.func if isinstance(value, ast.Call) else None
            if isinstance(called, ast.Name | ast.Attribute) and isinstance(value, ast.Call):
                last = called.id if isinstance(called, ast.Name) else called.attr
                return value if last == "Card" else None
    return None


def _entry(
    card: ast.Call, node: ast.ClassDef, classes: dict[str, ast.ClassDef], file: Path, module: str
) -> Entry:
    given: dict[str, ast.expr] = dict(zip(CARD_FIELDS, card.args, strict=False))
    given |= {word.arg: word.value for word in card.keywords if word.arg}

    def literal(field: str, kind: type, default: object = None) -> object:
        try:
            value = ast.literal_eval(given[field]) if field in given else default
        except ValueError:
            value = None
        if kind is float and isinstance(value, int):
            value = float(value)
        if not isinstance(value, kind):
            raise UsageError(
                f"{file}, line {card.lineno}: the card's {field} must be a literal "
                f"{kind.__name__}: cards are read without importing the file."
            )
        return value

    words = {
        field: literal(field, str) for field in ("name", "title", "family", "authors", "venue")
    }
    return Entry(
        **words,  # type: ignore[arg-type]
        year=literal("year", int),  # type: ignore[arg-type]
        cost=literal("cost", float, 1.0),  # type: ignore[arg-type]
        backbone=literal("backbone", str, "any"),  # type: ignore[arg-type]
        loss=literal("loss", str, ""),  # type: ignore[arg-type]
        options=_options(node, classes),
        module=module,
        file=file,
        class_name=node.name,
    )


def _options(node: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> tuple[str, ...]:
    """Keyword-only names of the constructor, which may be a base class's of the same file."""
    for line in node.body:
        if isinstance(line, ast.FunctionDef) and line.name == "__init__":
            return tuple(argument.arg for argument in line.args.kwonlyargs)
    for base in node.bases:
        if isinstance(base, ast.Name) and base.id in classes and base.id != node.name:
            return _options(classes[base.id], classes)
    return ()
