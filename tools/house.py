"""Rules of the house that no linter knows; prints what breaks them and exits with 1."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "presight"
FILE_LINES, FUNCTION_LINES = 300, 45
NO_FILES = {"utils", "util", "helpers", "misc", "common"}
NEVER_IN_SIGNATURES = {
    "trunk_model",
    "feats",
    "reps",
    "model_ema",
    "momentum_encoder",
    "projection_head",
    "tau",
    "rng",
    "idx",
    "pseudo_labels",
}
NEUTRAL = ("training", "evaluation", "reporting")
MACHINE = re.compile("/" + "(work|root|home|farm)/")


def names_of_methods() -> set[str]:
    """Names on the cards, read without import."""
    found = set()
    for path in SOURCE.glob("methods/*/*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Card":
                named = [k.value for k in node.keywords if k.arg == "name"] or node.args
                found.add(ast.literal_eval(named[0]))
    return found


def signatures(tree: ast.Module) -> Iterator[tuple[ast.FunctionDef, bool]]:
    """Functions, and whether each is public."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            yield node, not node.name.startswith("_") or node.name == "__init__"


def broken_in(path: Path, methods: set[str]) -> Iterator[str]:
    """What one source file breaks."""
    text = path.read_text()
    place = path.relative_to(ROOT)
    if len(text.splitlines()) > FILE_LINES:
        yield f"{place}: {len(text.splitlines())} lines, at most {FILE_LINES}"
    if path.stem in NO_FILES:
        yield f"{place}: a name that says nothing"
    if MACHINE.search(text):
        yield f"{place}: a path of some machine"
    yield from broken_functions(place, ast.parse(text))
    if path.relative_to(SOURCE).parts[0] in NEUTRAL:
        for word in re.findall(r"[a-z0-9-]+", text.lower()):
            if word in methods:
                yield f"{place}: names the method {word}"


def broken_functions(place: Path, tree: ast.Module) -> Iterator[str]:
    """What the functions of one file break."""
    for node, public in signatures(tree):
        lines = (node.end_lineno or 0) - node.lineno + 1
        if ast.get_docstring(node):
            document = node.body[0]
            lines -= (document.end_lineno or 0) - document.lineno + 1
        if lines > FUNCTION_LINES:
            yield f"{place}:{node.lineno} {node.name}: {lines} lines, at most {FUNCTION_LINES}"
        arguments = node.args.args + node.args.kwonlyargs
        for argument in arguments:
            if argument.arg in NEVER_IN_SIGNATURES:
                yield f"{place}:{node.lineno} {node.name}: argument {argument.arg}"
        if public and node.name == "__init__" and node.args.kwarg:
            yield f"{place}:{node.lineno} **{node.args.kwarg.arg} in a public constructor"


def broken() -> Iterator[str]:
    """Everything that breaks a rule."""
    methods = names_of_methods()
    for path in sorted(SOURCE.rglob("*.py")):
        yield from broken_in(path, methods)
    for path in sorted(SOURCE.glob("*/*.py")) + sorted(SOURCE.glob("*.py")):
        mirror = path.relative_to(SOURCE)
        test = ROOT / "tests" / mirror.parent / f"test_{path.stem.strip('_')}.py"
        if not path.stem.startswith("__") and not test.exists():
            yield f"{path.relative_to(ROOT)}: no test file {test.relative_to(ROOT)}"


if __name__ == "__main__":
    found = list(broken())
    print("\n".join(found) or "the house is in order")
    sys.exit(bool(found))
