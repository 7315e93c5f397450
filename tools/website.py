"""A hook of mkdocs: pages that are made from the code, and links that lead out of docs/.

No table of methods, options or functions is kept by hand: methods come from their cards, commands
from the verbs' signatures, the reference from the names that packages give away.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "presight"
sys.path.insert(0, str(PACKAGE.parent))

from presight.cli import lists, pages  # noqa: E402
from presight.cli.verbs import VERBS  # noqa: E402
from presight.core import options, registry  # noqa: E402
from presight.core.options import MISSING, Option, shown  # noqa: E402
from presight.core.plan import TrainPlan  # noqa: E402
from presight.core.settings import Settings  # noqa: E402
from presight.core.values import words  # noqa: E402

_LINK = re.compile(r"\[([^\]]*)\]\(([^)#\s:]+)(#[^)]*)?\)")


def on_config(config: Any) -> Any:
    """The reference's pages by package, and pages of docs/ that the navigation does not name."""
    chapter = ["reference/index.md", *(f"reference/{name}.md" for name in public_packages())]
    named = {target for entry in config.nav for target in entry.values()}
    for entry in config.nav:
        for title, target in entry.items():
            if target == "reference/":
                entry[title] = chapter
    written = sorted(page.name for page in (ROOT / "docs").glob("*.md"))
    config.nav = [*config.nav, *(name for name in written if name not in named)]
    return config


def on_files(files: Any, config: Any) -> Any:
    """Add the pages that are made here."""
    for place, text in made_pages().items():
        files.append(File.generated(config, place, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Lead links from docs/ to README.md to the start page; name files outside as code."""
    if page.file.generated_by:
        return markdown
    return moved(markdown, ROOT / "docs")


def made_pages() -> dict[str, str]:
    """Place in the site -> Markdown."""
    found = {
        "index.md": moved((ROOT / "README.md").read_text(), ROOT),
        "methods.md": methods_page(),
        "commands.md": commands_page(),
        "reference/index.md": reference_page(),
        "reference/presight.md": front_page(),
    }
    for name in public_packages()[1:]:
        found[f"reference/{name}.md"] = package_page(name)
    return found


def moved(markdown: str, folder: Path) -> str:
    """Markdown of a folder, with links as they are in the site.

    Args:
        markdown: a page.
        folder: where the page stands in the repository.
    """

    def target(match: re.Match[str]) -> str:
        text, link, anchor = match.groups()
        place = (folder / link).resolve()
        if place == ROOT / "README.md":
            return f"[{text}](index.md{anchor or ''})"
        if place.is_relative_to(ROOT / "docs"):
            return f"[{text}]({place.relative_to(ROOT / 'docs').as_posix()}{anchor or ''})"
        inside = place.relative_to(ROOT).as_posix()
        return f"`{inside}`" if text.strip("`") == inside else f"{text} (`{inside}`)"

    return _LINK.sub(target, markdown)


def cell(text: str) -> str:
    """Text inside a table's cell."""
    return " ".join(text.split()).replace("|", "\\|")


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """A table of Markdown."""
    head = list(head)
    lines = [head, ["---"] * len(head), *(list(row) for row in rows)]
    return ["| " + " | ".join(cell(text) for text in line) + " |" for line in lines]


def option_rows(known: Iterable[Option], presets: dict[str, str]) -> Iterator[list[str]]:
    """Flag, what it is, type and default of each option."""
    for option in known:
        default = "must be given" if option.default is MISSING else shown(option.default)
        default = "any number" if _many(option) else presets.get(option.name, default)
        kind = "switch" if option.is_flag else words(option.annotation)
        yield [f"`{option.flag}`", option.help, kind, default]


def _many(option: Option) -> bool:
    return option.positional and getattr(option.annotation, "__origin__", None) is tuple


_OPTION_HEAD = ("option", "meaning", "value", "default")


def methods_page() -> str:
    """All methods, each with its options and their defaults by preset."""
    head, *rows = lists.methods("")
    linked = [[f"[`{row[0]}`](#{row[0]})", *row[1:]] for row in rows]
    lines = [
        "# Methods and their options",
        "",
        "Made from the methods' cards and signatures: what `presight list methods` and `presight "
        "pretrain --method NAME --help` print. Cost counts forward passes of an image a step, "
        "where supervised training has one. Which of them fits is said in [Choosing a method]"
        "(choosing.md); all take the [options of pretraining](commands.md#pretrain), too.",
        "",
        *table(head, linked),
    ]
    for row in rows:
        lines += ["", *_method_section(row[0])]
    return "\n".join(lines) + "\n"


def _method_section(name: str) -> list[str]:
    method, entry = registry.load(name), registry.entry(name)
    card = method.card
    known = options.of_method(method)
    presets = ", ".join(f"`{p}` ({card.presets[p].origin})" for p in card.presets)
    lines = [
        f"## {card.title} {{#{name}}}",
        "",
        f"{inspect.getdoc(inspect.getmodule(method)).partition(chr(10))[0]}",  # type: ignore[union-attr,arg-type]
        "",
        f"`--method {name}` · {entry.authors}, {entry.venue} {entry.year} · {card.family} · "
        f"[in the reference][{method.__module__}.{method.__qualname__}]",
        "",
    ]
    if presets:
        lines += [f"Presets, and where they come from: {presets}.", ""]
    if card.failures:
        lines += [f"When it fails: {card.failures}", ""]
    return lines + table(_OPTION_HEAD, option_rows(known, pages.preset_values(card, known)))


def commands_page() -> str:
    """All verbs with their options."""
    lines = [
        "# Commands",
        "",
        "Made from the verbs' signatures: what `presight VERB --help` prints. Every verb takes "
        "`--json` (a last line for machines) and `--debug` (tracebacks).",
        "",
        *table(
            ("verb", "what it does"),
            ([f"[`{n}`](#{n})", pages.summary(v)] for n, v in VERBS.items()),
        ),
    ]
    for name, verb in VERBS.items():
        known = options.of_function(verb)
        if name == "pretrain":
            known = known[:1]
        lines += ["", f"## {name}", "", pages.summary(verb), ""]
        lines += ["```text", pages.usage(name, known), "```", ""]
        lines += table(_OPTION_HEAD, option_rows(known, {}))
        if name == "pretrain":
            lines += _pretraining_options()
    return "\n".join(lines) + "\n"


def _pretraining_options() -> list[str]:
    plan = options.of_dataclass(TrainPlan, "plan")
    settings = options.of_dataclass(Settings, "settings")
    return [
        "",
        "and the options of the method, by [its name](methods.md). Training, whose defaults come "
        "from the method's preset:",
        "",
        *table(_OPTION_HEAD[:3], (row[:3] for row in option_rows(plan, {}))),
        "",
        "Data, device, run folder, output:",
        "",
        *table(_OPTION_HEAD, option_rows(settings, {})),
    ]


def public_packages() -> list[str]:
    """The package itself, what it gives away as attributes, and what a method may import."""
    found = set(_literal(PACKAGE / "__init__.py", "_PACKAGES"))
    for file in PACKAGE.glob("methods/*/*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("presight."):
                found.add(str(node.module).split(".")[1])
    return ["presight", *sorted(found)]


def _literal(file: Path, name: str) -> Any:
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == name:
            return ast.literal_eval(node.value)
    raise LookupError(f"{file} has no {name}")


def given_names(package: Path) -> dict[str, str]:
    """Name that a package gives away -> module that defines it, as its __init__ imports them."""
    found = {}
    if not package.is_dir():
        return {}
    for node in ast.walk(ast.parse((package / "__init__.py").read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.count(".") > 1:
            found |= {item.name: node.module for item in node.names}
        elif isinstance(node, ast.ImportFrom) and package == PACKAGE and "." in str(node.module):
            found |= {item.name: str(node.module) for item in node.names}
    return {name: home_of(name, module) for name, module in found.items()}


def home_of(name: str, module: str) -> str:
    """The module that defines a name, where a package only hands it on."""
    place = PACKAGE.parent / module.replace(".", "/")
    return given_names(place).get(name, module) if place.is_dir() else module


def documented(name: str) -> list[str]:
    """Modules of a package that have something public with a docstring, in order."""
    place = PACKAGE / name
    files = sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
    found = []
    for file in files:
        tree = ast.parse(file.read_text())
        kinds = (ast.FunctionDef, ast.ClassDef)
        public = [n for n in tree.body if isinstance(n, kinds) and not n.name.startswith("_")]
        if file.name != "__init__.py" and any(ast.get_docstring(node) for node in public):
            parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
            found.append(".".join(parts))
    return found


def first_line(file: Path) -> str:
    """The first line of a module's docstring."""
    return (ast.get_docstring(ast.parse(file.read_text())) or "").partition("\n")[0]


def package_page(name: str) -> str:
    """One package: names it gives away, then its modules."""
    place = PACKAGE / name
    lines = [f"# presight.{name}", ""]
    if place.is_dir():
        lines += [first_line(place / "__init__.py"), ""]
    given = given_names(place)
    if given:
        lines += [*table(_NAMES_HEAD, name_rows(f"presight.{name}", given)), ""]
    for module in documented(name):
        lines += [f"::: {module}", ""]
    return "\n".join(lines)


_NAMES_HEAD = ("name", "what it is")


def name_rows(package: str, given: dict[str, str]) -> Iterator[list[str]]:
    """Names that a package gives away, with links and first lines."""
    for name, home in given.items():
        tree = ast.parse((PACKAGE.parent / home.replace(".", "/")).with_suffix(".py").read_text())
        kinds = (ast.FunctionDef, ast.ClassDef)
        nodes = [node for node in tree.body if isinstance(node, kinds) and node.name == name]
        summary = (ast.get_docstring(nodes[0]) or "").partition("\n")[0] if nodes else ""
        yield [f"[`{package}.{name}`][{home}.{name}]", summary]


_VERBS = (
    "presight.api", "presight.pretraining.verbs", "presight.restore", "presight.evaluation.kept",
    "presight.studies.verb",
)  # fmt: skip
"""Modules whose names are shown whole on the front page."""
_INNER = ["    options:", "      heading_level: 3", ""]


def front_page() -> str:
    """The verbs in Python, what they return, and where the other names are."""
    given = given_names(PACKAGE)
    verbs = [n for n, home in given.items() if home in _VERBS]
    others = {n: home for n, home in given.items() if n not in verbs}
    lines = ["# presight", "", "The verbs in Python: the same as on the command line.", ""]
    lines += ["## Verbs", ""]
    for verb in verbs:
        lines += [f"::: presight.{verb}", *_INNER]
    public = tuple(f"presight.{name}." for name in public_packages()[1:])
    lines += ["## What they return", ""]
    for name, home in _returned().items():
        if not f"{home}.".startswith(public):
            lines += [f"::: {home}.{name}", *_INNER]
    lines += ["## For methods of your own", "", *table(_NAMES_HEAD, name_rows("presight", others))]
    return "\n".join(lines) + "\n"


def _returned() -> dict[str, str]:
    """Classes that the verbs' modules import for their annotations."""
    found = {}
    files = [(PACKAGE.parent / home.replace(".", "/")).with_suffix(".py") for home in _VERBS]
    for node in (node for file in files for node in ast.parse(file.read_text()).body):
        if isinstance(node, ast.If):
            for item in node.body:
                if isinstance(item, ast.ImportFrom) and item.module:
                    found |= {n.name: home_of(n.name, item.module) for n in item.names}
    return {n: home for n, home in found.items() if home.startswith("presight.")}


def reference_page() -> str:
    """The packages, each with its first line."""
    rows = []
    for name in public_packages():
        place = PACKAGE if name == "presight" else PACKAGE / name
        file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
        title = "presight" if name == "presight" else f"presight.{name}"
        rows.append([f"[`{title}`]({name}.md)", first_line(file)])
    return "\n".join(
        [
            "# API reference",
            "",
            "Made from docstrings. Shapes stand in brackets: `[n, d]` are n rows of d numbers; "
            "images are float in [0, 1], channels first, unless a text says otherwise. Errors are "
            "those of [`presight.errors`](errors.md).",
            "",
            *table(("package", "what is in it"), rows),
            "",
        ]
    )
