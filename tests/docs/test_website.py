"""The site: what is generated agrees with the code, it builds without a warning, asks nobody."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from presight import methods
from presight.cli.verbs import VERBS
from presight.core import options

ROOT = Path(__file__).parents[2]
pytest.importorskip("mkdocs", reason="the extra docs is not installed")


def tool(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"tools_{name}", ROOT / "tools" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


website = tool("website")
MADE = website.made_pages()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site; the build is strict, so a warning is an error."""
    out = tmp_path_factory.mktemp("site")
    words = [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(out)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return out


def test_every_page_is_there(site: Path) -> None:
    written = {page.name for page in (ROOT / "docs").glob("*.md")} | set(MADE)
    assert {page for page in written if not (site / page).with_suffix(".html").exists()} == set()


def test_no_page_asks_the_network(site: Path) -> None:
    asks = re.compile(
        r"<(?:script|img|iframe|source)[^>]+src=[\"']?(?:https?:)?//|"
        r"<link[^>]+href=[\"']?(?:https?:)?//|@import|url\([\"']?(?:https?:)?//"
    )
    pages = [*site.rglob("*.html"), *site.rglob("*.css")]
    assert len(pages) > 10
    assert [page.name for page in pages if asks.search(page.read_text())] == []


@pytest.mark.parametrize(
    ("page", "anchor"),
    [
        ("presight", "presight.pretrain"),
        ("losses", "presight.losses.contrastive.nt_xent"),
        ("evaluation", "presight.evaluation.linear.linear_probe"),
        ("methods", "presight.methods.contrastive.simclr.SimCLR"),
    ],
)
def test_the_reference_holds_what_users_look_for(site: Path, page: str, anchor: str) -> None:
    text = (site / "reference" / f"{page}.html").read_text()
    assert f'id="{anchor}"' in text


def test_private_names_are_not_in_the_reference(site: Path) -> None:
    for page in (site / "reference").glob("*.html"):
        assert re.findall(r'id="presight\.[\w.]*\._\w+"', page.read_text()) == []


def test_every_method_has_all_its_options() -> None:
    page = MADE["methods.md"]
    for name in methods.names():
        section = page.partition(f"{{#{name}}}")[2].partition("\n## ")[0]
        missing = [o.flag for o in options.of_method(methods.load(name)) if o.flag not in section]
        assert section
        assert missing == []


def test_every_command_has_all_its_options() -> None:
    page = MADE["commands.md"]
    for name, verb in VERBS.items():
        section = page.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        known = [o for o in options.of_function(verb) if o.name != "split"]
        assert section
        assert [o.flag for o in known if f"`{o.flag}`" not in section] == []


def test_links_of_readme_lead_to_pages_of_the_site() -> None:
    text = "[a](docs/design.md#the-road) ![b](docs/views.png) [`tools/house.py`](tools/house.py)"
    assert website.moved(text, ROOT) == "[a](design.md#the-road) ![b](views.png) `tools/house.py`"
    assert website.moved("[the license](LICENSE)", ROOT) == "the license (`LICENSE`)"


def test_links_of_the_handbook_lead_to_the_start_page() -> None:
    text = "[README](../README.md), [design](design.md), [web](https://example.org/a)"
    wanted = "[README](index.md), [design](design.md), [web](https://example.org/a)"
    assert website.moved(text, ROOT / "docs") == wanted


def test_a_bar_stays_inside_its_cell() -> None:
    assert website.table(("a", "b"), [("int | None", "two\nlines")])[2] == (
        "| int \\| None | two lines |"
    )


def test_packages_are_those_that_the_code_names() -> None:
    found = website.public_packages()
    assert found[0] == "presight"
    assert {"core", "errors", "losses", "nn", "views"} <= set(found)
    assert "store" not in found


def test_names_that_share_an_entry_are_separated() -> None:
    rewritten = tool("docstrings").rewritten
    text = "Of a paper.\n\nArgs:\n    authors, year: of the\n        paper.\n    cost: x.\n"
    assert rewritten(text) == (
        "Of a paper.\n\nArgs:\n    authors: of the\n        paper.\n    year: of the\n"
        "        paper.\n    cost: x."
    )
    assert rewritten("One, two: three.\n\nReturns:\n    a, b: both.") == (
        "One, two: three.\n\nReturns:\n    a, b: both."
    )


def test_errors_that_share_a_line_are_separated() -> None:
    rewritten = tool("docstrings").rewritten
    text = "X.\n\nRaises:\n    UsageError: no name. DataError: no image\n        at all."
    assert rewritten(text) == (
        "X.\n\nRaises:\n    UsageError: no name.\n    DataError: no image\n        at all."
    )


def test_a_box_of_columns_stays_one(site: Path) -> None:
    rewritten = tool("docstrings").rewritten
    assert rewritten("X.\n\n1. Draw.    2. Encode.") == "X.\n\n    1. Draw.    2. Encode."
    text = (site / "reference" / "methods.html").read_text()
    assert "3. Project and normalize" in re.sub(r"<[^>]+>", "", text.partition("<pre>")[2])


def test_a_full_name_links_to_its_place(site: Path) -> None:
    text = (site / "reference" / "presight.html").read_text()
    assert re.search(r'href="core\.html#presight\.core\.plan\.TrainPlan"[^>]*><code>', text)
    assert "<autoref" not in text
