from __future__ import annotations

import re
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
import torch

from presight.cli import installation

PROJECT = Path(__file__).parents[2] / "pyproject.toml"


def without(package: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """What is said where a package is not installed."""

    def found(name: str) -> str:
        if name == package:
            raise PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(installation, "version", found)
    return "\n".join(installation.survey())


def test_versions_devices_and_extras_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    text = without("timm", monkeypatch)
    assert f"torch {torch.__version__.partition('+')[0]}" in text
    assert "device cpu" in text
    assert 'extra timm: without timm: pip install "presight[timm]"' in text
    assert "extra tasks: installed" in without("nothing", monkeypatch)


def test_all_that_the_project_names_is_looked_for() -> None:
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    expected = {"": project["dependencies"], **project["optional-dependencies"]}
    found = installation.needs()
    assert found.keys() == expected.keys()
    for extra, packages in found.items():
        names = [re.split(r"[>\[]", line)[0].casefold() for line in expected[extra]]
        assert sorted(packages) == sorted(names)


def test_every_extra_is_for_something() -> None:
    """What an extra brings is imported in the source or named there; the checks' own is not."""
    extras = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    source = "".join(file.read_text("utf-8") for file in (PROJECT.parent / "src").rglob("*.py"))
    idle = {
        extra
        for extra in extras.keys() - {"dev", "docs"}
        for package in (re.split(r"[>\[]", line)[0].replace("-", "_") for line in extras[extra])
        if not re.search(rf"(import|from) {package}\b|[\"']{package}[\"'.]", source)
    }
    assert idle <= {"tasks"}  # for tasks that are still to come


def test_a_copy_that_was_never_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "presight not installed" in without("presight", monkeypatch)
    assert installation.needs() == {"": []}


def test_a_package_that_is_not_there() -> None:
    assert installation.installed("no-such-package-here") == "not installed"
