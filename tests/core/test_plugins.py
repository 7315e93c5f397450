"""A user's file is imported once, and its class remembers where it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from presight.core import plugins
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
