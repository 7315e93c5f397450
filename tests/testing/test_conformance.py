from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import presight.testing
from doubles import Bank
from presight.core import registry
from presight.core.backbone import Backbone
from presight.core.method import Box
from presight.exporting.formats import Exported
from presight.testing import conformance
from presight.testing.trial import Trial, small_options


def test_outsiders_find_everything_at_the_top() -> None:
    for name in presight.testing.__all__:
        assert getattr(presight.testing, name)
    with pytest.raises(AttributeError, match="has no check_nothing"):
        _ = presight.testing.check_nothing  # type: ignore[attr-defined]


def test_importing_the_package_imports_no_torch() -> None:
    code = "import sys, presight.testing; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


def test_check_method_runs_every_check_and_the_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def noted(name: str) -> conformance.Check:
        return lambda trial: seen.append(f"{name} {trial.name}")

    names = [check.__name__ for check in conformance.CHECKS]
    monkeypatch.setattr(conformance, "CHECKS", [noted(name) for name in names])
    monkeypatch.setattr(conformance, "check_two_processes", lambda trials: noted("two")(trials[0]))
    conformance.check_method(Bank)
    assert seen == [f"{name} bank" for name in [*names, "two"]]


@pytest.mark.parametrize("symmetric", [False, True])
def test_what_an_update_costs_may_depend_on_options(symmetric: bool) -> None:
    kind = registry.load("moco-v2")
    options = {**small_options(kind), "symmetric": symmetric}
    trial = Trial(kind, options)
    conformance.check_box(trial)
    assert trial.build().box == Box(1 + symmetric, 1 + symmetric, 1, 2)


def test_the_backbone_leaves_by_the_road_of_an_export(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Path] = []
    export = conformance.export

    def seen(backbone: Backbone, path: Path) -> Exported:
        written.append(path)
        return export(backbone, path)

    monkeypatch.setattr(conformance, "export", seen)
    conformance.check_backbone(Trial(Bank))
    assert [path.name for path in written] == ["backbone.safetensors"]


def test_options_reach_the_method() -> None:
    with pytest.raises(TypeError, match="no_such"):
        conformance.check_method(Bank, options={"no_such": 1})
