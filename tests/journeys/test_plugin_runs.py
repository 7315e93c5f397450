"""A run of a user's own method: the file may move, and a folder's code is run only where asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import presight
from presight.errors import UsageError
from presight.store.doctor import inspect_run
from tinyruns import DATA, tiny

EXAMPLE = Path(__file__).parents[2] / "examples" / "my_method.py"
OWN: dict[str, Any] = {"method": "agree-and-spread", "projector": (8, 4)}


def trained(place: Path, text: str) -> Path:
    """A run whose plugin lies there no longer, as its user sees it from another folder."""
    plugin = place / "mine.py"
    plugin.write_text(text)
    folder = tiny(place / "run", plugin=str(plugin), **OWN).folder
    plugin.write_text("raise SystemExit\n")
    return folder


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return tmp_path


def test_an_ordinary_network_needs_its_method_no_more(elsewhere: Path) -> None:
    folder = trained(elsewhere, EXAMPLE.read_text())
    copy = folder / "plugin.py"
    copy.write_text(f"{copy.read_text()}\nraise SystemExit\n")
    backbone = presight.load_backbone(folder)
    measured = presight.evaluate(folder, DATA, label_counts="all", stages="none", quiet=True)
    assert measured.score("untrained", "linear") >= 0
    assert presight.embed(folder, DATA, map="none", quiet=True).vectors.shape[1] == backbone.dim
    assert presight.export(folder).max_difference < 1e-4
    assert "Agree and spread" in (folder / "export" / "README.md").read_text()
    assert presight.load_backbone(folder / "export").dim == backbone.dim


def test_without_a_copy_the_card_is_refused_before_weights_are_written(elsewhere: Path) -> None:
    folder = trained(elsewhere, EXAMPLE.read_text())
    (folder / "plugin.py").unlink()
    with pytest.raises(UsageError, match=r"the method of .*run, agree-and-spread.*--plugin FILE"):
        presight.export(folder)
    assert not (folder / "export").exists()
    (elsewhere / "again.py").write_text(EXAMPLE.read_text())
    done = presight.export(folder, plugin=elsewhere / "again.py")
    assert repr(str(elsewhere / "again.py")) in done.usage
    card = done.path.with_name("README.md").read_text()
    assert "plugin='again.py')" in card
    assert str(elsewhere) not in card


def test_the_copy_has_a_checksum(elsewhere: Path) -> None:
    folder = trained(elsewhere, EXAMPLE.read_text())
    assert (folder / "plugin.py").read_bytes() == EXAMPLE.read_bytes()
    assert inspect_run(folder) == []
    (folder / "plugin.py").write_bytes(EXAMPLE.read_bytes().replace(b"0.5", b"0.6"))
    (found,) = inspect_run(folder)
    assert (found.path, found.kind) == ("plugin.py", "altered")


def test_a_network_of_its_own_is_built_by_the_copy_where_asked(elsewhere: Path) -> None:
    folder = trained(elsewhere, EXAMPLE.read_text().replace("encoders()", "encoders(width=2.0)"))
    copy = folder / "plugin.py"
    for verb in (
        lambda: presight.load_backbone(folder),
        lambda: presight.evaluate(folder, DATA, quiet=True),
        lambda: presight.evaluate(folder, quiet=True),
        lambda: presight.embed(folder, DATA, quiet=True),
        lambda: presight.export(folder),
    ):
        with pytest.raises(UsageError, match=r"not run unasked.*--plugin .*plugin\.py"):
            verb()
    backbone = presight.load_backbone(folder, str(copy))
    assert backbone(torch.rand(2, 3, 16, 16)).shape == (2, backbone.dim)
    made = presight.embed(folder, DATA, map="none", plugin=str(copy), quiet=True)
    assert made.vectors.shape[1] == backbone.dim
    assert presight.evaluate(folder, plugin=str(copy), quiet=True).diagnostics
    done = presight.export(folder, plugin=copy)
    names: dict[str, Any] = {"presight": presight}
    exec(done.usage.splitlines()[0], names)
    assert names["backbone"].dim == backbone.dim
    assert inspect_run(folder) == []  # nothing was compiled beside it
