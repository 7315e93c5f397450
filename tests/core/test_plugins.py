"""A user's file is imported once, and its class remembers where it stands."""

from __future__ import annotations

import os
import py_compile
import sys
from pathlib import Path

import pytest

from presight.core import plugins, registry
from presight.errors import UsageError


def test_a_file_is_imported_once_and_known_by_its_path(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("class Mine: pass\n")
    module = plugins.import_file(file)
    assert plugins.import_file(file) is module
    assert plugins.file_of(module.Mine) == str(file)
    assert plugins.file_of(Path) == ""


def test_a_file_that_stops_is_told_in_a_line_and_read_again(tmp_path: Path) -> None:
    file = tmp_path / "stops.py"
    file.write_text("1 / 0\n")
    with pytest.raises(UsageError, match="stopped while it was imported: ZeroDivisionError"):
        plugins.import_file(file)
    file.write_text("whole = True\n")
    assert plugins.import_file(file).whole


def test_the_text_is_what_runs_and_no_compiled_file_beside_it(tmp_path: Path) -> None:
    """A compiled file of another text passes for the text's own by size and time."""
    file = tmp_path / "mine.py"
    file.write_text("word = 'evil'\n")
    py_compile.compile(str(file))
    stat = file.stat()
    file.write_text("word = 'good'\n")
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    before = sorted(tmp_path.rglob("*"))
    assert plugins.import_file(file).word == "good"
    assert sorted(tmp_path.rglob("*")) == before


def test_no_compiled_file_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    file = tmp_path / "mine.py"
    file.write_text("word = 1\n")
    plugins.import_file(file)
    assert list(tmp_path.iterdir()) == [file]


def test_the_source_is_what_was_imported(tmp_path: Path) -> None:
    example = Path(__file__).parents[2] / "examples" / "my_method.py"
    file = tmp_path / "mine.py"
    file.write_bytes(example.read_bytes())
    (found,) = registry.of_file(file)
    registry.load(found.name, str(file))
    file.write_text("")
    assert plugins.source_of(found) == example.read_bytes()
    built_in = registry.entry("simclr")
    assert plugins.source_of(built_in) == built_in.file.read_bytes()
