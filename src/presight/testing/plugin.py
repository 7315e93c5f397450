"""A pytest plug-in: `pytest --pyargs presight.testing --method FILE.py:Class`.

Runs every generic check on a method as a test of its own. It is loaded with every pytest of an
environment that has presight, so it imports nothing heavy and adds its option only where its
folder is asked for.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from presight.errors import PresightError

PACKAGE = "presight.testing"
SUITE = Path(__file__).with_name("conformance.py")
GUIDE = "See the page Adding a method of presight's handbook."
_ASKED = pytest.StashKey[bool]()
_HELP = "the method to test: FILE.py:Class, package.module:Class, or a method's name"


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> None:
    """Add --method if this suite is asked for; other projects may have such an option."""
    if any(_asks(word) for word in args):
        parser.getgroup("presight").addoption("--method", default="", help=_HELP)
        early_config.stash[_ASKED] = True


def pytest_configure(config: pytest.Config) -> None:
    """Refuse a missing or unknown method in a line, before anything is collected.

    Raises:
        UsageError: pytest's.
    """
    if not config.stash.get(_ASKED, False) or config.option.help:
        return
    wanted = config.getoption("--method")
    if not wanted:
        raise pytest.UsageError(f"pytest --pyargs {PACKAGE} needs --method: {_HELP}.")
    from presight.testing.chosen import chosen

    try:
        chosen(wanted)
    except PresightError as error:
        raise pytest.UsageError(str(error)) from error


def _asks(word: str) -> bool:
    head = word.partition("::")[0]
    return head == PACKAGE or (head.endswith("testing") and Path(head).resolve() == SUITE.parent)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """The suite stands in for the file that holds the checks."""
    if file_path != SUITE or not parent.config.stash.get(_ASKED, False):
        return None
    found: Suite = Suite.from_parent(parent, path=file_path)
    return found


class Suite(pytest.File):
    """Every check on one method."""

    def collect(self) -> Iterator[pytest.Item]:
        """One test a check."""
        from presight.testing.chosen import chosen
        from presight.testing.conformance import CHECKS
        from presight.testing.processes import check_two_processes
        from presight.testing.trial import Trial

        trial = Trial(chosen(self.config.getoption("--method")))
        for check in CHECKS:
            yield Check.from_parent(self, name=check.__name__, check=check, trial=trial)
        yield Check.from_parent(
            self,
            name=check_two_processes.__name__,
            check=lambda one: check_two_processes([one]),
            trial=trial,
            law=check_two_processes.__doc__ or "",
        )


class Check(pytest.Item):
    """A check as a test.

    Args:
        name: the check's.
        parent: the suite.
        check: of a trial.
        trial: of the method.
        law: what must hold; by default the check's own words.
    """

    def __init__(
        self,
        name: str,
        parent: pytest.Collector,
        *,
        check: Callable[[Any], None],
        trial: Any,
        law: str = "",
    ) -> None:
        super().__init__(name, parent)
        self._check, self._trial = check, trial
        self._law = (law or check.__doc__ or "").partition("\n\n")[0].strip()

    def runtest(self) -> None:
        """Run the check."""
        self._check(self._trial)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> str:
        """What must hold, what does not, and for other errors where the method raised them."""
        error = excinfo.value
        law = f"What must hold: {self._law}"
        if isinstance(error, AssertionError):
            return f"{error}\n{law}\n{GUIDE}"
        place = "".join(traceback.format_list(traceback.extract_tb(error.__traceback__)[-2:]))
        return f"{type(error).__name__}: {error}{_hint(error)}\n{place}{law}\n{GUIDE}"

    def reportinfo(self) -> tuple[Path, int, str]:
        """The check's name."""
        return self.path, 0, self.name


def _hint(error: BaseException) -> str:
    labels = ("label", "labels", "target", "targets", "y")
    asked = isinstance(error, AttributeError) and error.name in labels
    if asked or (isinstance(error, KeyError) and error.args and error.args[0] in labels):
        return (
            "\nLabels never reach a method: a batch has images, index and frame, a step draws and "
            "numbers, views what the recipe makes. Take the label out; evaluate reads labels "
            "afterwards."
        )
    return ""
