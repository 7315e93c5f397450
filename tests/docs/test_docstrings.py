"""Docstrings of what packages give away: every argument is described, every example runs."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
import time
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
import sklearn.linear_model

import presight
from presight.core.options import arguments

PACKAGES = ("core", "evaluation", "losses", "methods", "testing", "views")
LOADED = sklearn.linear_model  # so that no example waits for it
SECONDS = 1.0
"""Processor time of an example; imports before it do not count."""


def modules() -> Iterator[ModuleType]:
    """All modules of the public packages, and those that the package itself gives names of."""
    for name in PACKAGES:
        package = importlib.import_module(f"presight.{name}")
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            yield importlib.import_module(found.name)
    yield from (importlib.import_module(f"presight.{name}") for name in ("api", "restore"))


def functions() -> Iterator[Any]:
    """Functions and classes that users call by the name of a package."""
    for name in dir(presight):
        found = getattr(presight, name)
        if not inspect.ismodule(found) and callable(found):
            yield found
    for module in map(importlib.import_module, ("presight.losses.contrastive",
                                                "presight.losses.adversarial",
                                                "presight.losses.likelihood",
                                                "presight.evaluation.linear",
                                                "presight.evaluation.neighbors",
                                                "presight.views.catalogue")):  # fmt: skip
        for name, found in vars(module).items():
            if getattr(found, "__module__", "") == module.__name__ and not name.startswith("_"):
                yield found


EXAMPLES = [
    pytest.param(example, id=example.name)
    for module in modules()
    for example in doctest.DocTestFinder(exclude_empty=True).find(module)
    if example.examples
]
CALLED = {f"{found.__module__}.{found.__qualname__}": found for found in functions()}


def test_examples_are_found() -> None:
    names = {parameter.id for parameter in EXAMPLES}
    wanted = {
        "losses.contrastive.nt_xent",
        "losses.contrastive.info_nce",
        "evaluation.neighbors.knn",
        "evaluation.linear.linear_probe",
        "views.catalogue.recipe",
        "core.draw.Draw",
    }
    assert {f"presight.{name}" for name in wanted} <= names


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_runs(example: doctest.DocTest) -> None:
    said: list[str] = []
    start = time.process_time()
    result = doctest.DocTestRunner(verbose=False).run(example, out=said.append)
    assert result.failed == 0, "".join(said)
    assert time.process_time() - start < SECONDS


@pytest.mark.parametrize("name", CALLED)
def test_every_argument_is_described(name: str) -> None:
    found = CALLED[name]
    described = arguments(found.__doc__)
    taken = [
        parameter.name
        for parameter in inspect.signature(found).parameters.values()
        if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    brief = len(taken) <= 1 and not described
    assert inspect.getdoc(found)
    assert brief or [argument for argument in taken if not described.get(argument)] == []


def test_an_argument_that_is_not_described_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def odd(first: int, second: int) -> None:
        """Odd.

        Args:
            first: one.
        """

    monkeypatch.setitem(CALLED, "odd", odd)
    with pytest.raises(AssertionError, match="second"):
        test_every_argument_is_described("odd")
