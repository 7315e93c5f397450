"""Every command and every block of Python in README and handbook is one that exists."""

from __future__ import annotations

import ast
import contextlib
import functools
import importlib
import inspect
import io
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from docs.blocks import ROOT, commands, fenced, pages
from presight import errors, methods
from presight.cli import main as command_line
from presight.cli.console import Result
from presight.core import options

PAGES = [pytest.param(page, id=page.name) for page in pages()]
LANGUAGES = {"sh", "python", "text", "yaml", "json", "html", ""}
PLACEHOLDERS = {"NAME": "simclr", "METHOD": "simclr", "VERB": "check", "SUBJECT": "photos/"}
_TARGETS = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)


def said_of(words: list[str], monkeypatch: pytest.MonkeyPatch) -> str:
    """What the command line objects to in a command; its verbs do nothing here."""
    monkeypatch.chdir(ROOT)
    for name, verb in list(command_line.VERBS.items()):

        @functools.wraps(verb)
        def nothing(*_: Any, **__: Any) -> Result:
            return Result()

        monkeypatch.setitem(command_line.VERBS, name, nothing)
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = command_line.main([PLACEHOLDERS.get(word, word) for word in words if word != "..."])
    return err.getvalue() or f"exit code {code}" if code else ""


def objection(words: list[str], monkeypatch: pytest.MonkeyPatch) -> str:
    """What is wrong with a command of a page; empty where nothing is."""
    if words[0] == "presight" and words[1] in command_line.VERBS and len(words) == 2:
        return ""  # the verb's name, in a sentence
    if words[0] in ("presight", "torchrun"):
        return said_of(words[words.index("presight") + 1 :], monkeypatch)
    if words[0] == "make":
        return "" if words[1] in _TARGETS else f"make has no {words[1]}"
    if words[0] == "python":
        file = ROOT / words[1]
        return "" if words[1] == "-m" or file.exists() else f"there is no {words[1]}"
    if words[:2] == ["pip", "install"]:
        return objection_to_extras(words)
    return (
        ""
        if words[0] in ("cd", "git", "pytest", "cp", "mkdir", "source")
        else f"unknown {words[0]}"
    )


def objection_to_extras(words: list[str]) -> str:
    known = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for word in words:
        for extra in re.findall(r"\[(.*)\]", word):
            if not set(extra.split(",")) <= set(known["optional-dependencies"]):
                return f"there is no extra {extra}"
    return ""


@pytest.mark.parametrize("page", PAGES)
def test_every_command_is_one_that_runs(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = []
    for place, words in commands(page):
        with monkeypatch.context() as patch:
            said = objection(words, patch)
        if said:
            wrong.append(f"{place} {' '.join(words)}: {said}")
    assert wrong == []


@pytest.mark.parametrize(
    "command",
    [
        "presight pretrain photos/ --temprature 0.1",
        "presight pretrain photos/ --method simlcr",
        "presight pretrain photos/ --method rotation --temperature 0.1",
        "presight embed runs/a",
        "presight evaluate runs/a --labels labelled/ --epochs 3",
        "presight export runs/a --to caffe",
        "presight train photos/",
        "presight evalute",
        "presight check a b",
        "torchrun --nproc-per-node 2 -m presight pretrain photos/ --epochs many",
        "make coffee",
        "python benchmarks/nowhere.py",
        "pip install -e .[nothing]",
        "rm -rf runs/a",
    ],
)
def test_a_command_that_does_not_exist_is_found(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert objection(command.split(), monkeypatch)


def objections_to_names(source: str) -> list[str]:
    """Attributes of presight that do not exist, and arguments that its functions do not take."""
    tree = ast.parse(source)
    known: dict[str, Any] = {}
    wrong: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            exec(compile(ast.Module([node], []), "block", "exec"), known)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Call):
            target = node.func if isinstance(node, ast.Call) else node
            try:
                found = resolved(target, known)
            except AttributeError as error:
                wrong.append(f"line {node.lineno}: {error}")
                continue
            if isinstance(node, ast.Call) and callable(found):
                wrong += objections_to_call(node, found)
    return wrong


def resolved(node: ast.expr, known: dict[str, Any]) -> Any:
    """What an expression of names and dots stands for; None where it is a local variable's."""
    if isinstance(node, ast.Name):
        return known.get(node.id)
    if isinstance(node, ast.Attribute):
        inner = resolved(node.value, known)
        if inspect.ismodule(inner) and not hasattr(inner, node.attr):
            with contextlib.suppress(ImportError):
                return importlib.import_module(f"{inner.__name__}.{node.attr}")
        if inspect.ismodule(inner) or inspect.isclass(inner):
            return getattr(inner, node.attr)
    return None


def objections_to_call(node: ast.Call, function: Any) -> list[str]:
    """Keywords that a function does not take."""
    if not getattr(function, "__module__", "").startswith("presight"):
        return []
    given = {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
    parameters = inspect.signature(function).parameters
    taken = set(parameters)
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        taken |= options_behind(function.__name__, given)
    return [
        f"line {node.lineno}: {function.__name__} takes no {name}"
        for name in given
        if name not in taken
    ]


def options_behind(verb: str, given: dict[str, ast.expr]) -> set[str]:
    """The options that a verb of the library passes on."""
    if verb == "pretrain":
        from presight import methods

        name = given.get("method")
        method = ast.literal_eval(name) if name is not None else "simclr"
        return {option.name for option in options.of_pretraining(methods.load(method))}
    return {option.name for option in options.of_function(command_line.VERBS[verb])}


@pytest.mark.parametrize("page", PAGES)
def test_every_block_of_python_uses_names_that_exist(
    page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    for block in fenced(page):
        assert block.language in LANGUAGES, f"{block.place}: a block of {block.language}"
        if block.language == "python":
            assert objections_to_names(block.text) == [], block.place
        if block.language == "yaml":
            yaml.safe_load(block.text)


@pytest.mark.parametrize(
    "source",
    [
        "import presight\npresight.pretrian('photos/')",
        "import presight\npresight.pretrain('photos/', temprature=0.1)",
        "import presight\npresight.pretrain('photos/', method='rotation', temperature=0.1)",
        "import presight\npresight.losses.nt_xnet",
        "from presight.losses import nt_xent\nnt_xent(a, b, tau=1)",
        "import presight\npresight.evaluate('runs/a', 'labelled/', epochs=3)",
    ],
)
def test_a_name_that_does_not_exist_is_found(source: str) -> None:
    assert objections_to_names(source)


def test_names_that_exist_are_taken() -> None:
    good = "import presight\nrun = presight.pretrain('photos/', temperature=0.1, epochs=3)\nrun.x"
    assert objections_to_names(good) == []


def test_exit_codes_are_those_of_the_errors() -> None:
    text = (ROOT / "docs" / "runs.md").read_text().partition("## Exit codes")[2]
    told = {int(code) for code in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)}
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    assert told == {kind.exit_code for kind in kinds if issubclass(kind, errors.PresightError)}


def test_readme_names_every_method() -> None:
    section = (ROOT / "README.md").read_text().partition("\n## Methods\n")[2].partition("\n## ")[0]
    rows = [row.split("|")[1] for row in section.splitlines() if row.startswith("| `")]
    assert sorted(re.findall(r"`([\w-]+)`", " ".join(rows))) == methods.names()
