"""Verbs hand their options to the library and its outcome back; the library is replaced here."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import pytest

from presight import pretraining
from presight.cli import verbs
from presight.cli.console import Result
from presight.data.decode import Limits
from presight.errors import UsageError


class Outcome:
    summary = {"accuracy": 0.5}
    runs: list[Path] = []

    def lines(self) -> list[str]:
        return ["one", "two"]


class Finding:
    def __init__(self, text: str, broken: bool) -> None:
        self.text, self.broken = text, broken

    def __str__(self) -> str:
        return self.text


class Calls(list[Any]):
    """What the replaced functions were called with."""

    def taker(self, outcome: Any) -> Any:
        def call(*args: Any, **keywords: Any) -> Any:
            self.append((args, keywords))
            return outcome

        return call


@pytest.fixture
def calls() -> Calls:
    return Calls()


def replace(monkeypatch: pytest.MonkeyPatch, name: str, **members: Any) -> None:
    module = types.ModuleType(name)
    vars(module).update(members)
    monkeypatch.setitem(sys.modules, name, module)


def test_demo(monkeypatch: pytest.MonkeyPatch, calls: Calls) -> None:
    made = Outcome()
    made.runs, made.report = [Path("d/a"), Path("d/b")], Path("d/report.html")
    monkeypatch.setitem(vars(pretraining), "run_demo", calls.taker(made))
    replace(monkeypatch, "presight.reporting.page", write_report=calls.taker(made.report))
    result = verbs.demo(out="d", minutes=1.5)
    assert result.lines == ("one", "two", "report    d/report.html")
    assert result.record == {"accuracy": 0.5, "report": "d/report.html"}
    assert calls == [(("d", 1.5), {}), ((made.runs, Path("d/report.html")), {})]


def test_evaluate(monkeypatch: pytest.MonkeyPatch, calls: Calls) -> None:
    monkeypatch.setitem(vars(pretraining), "evaluate_run", calls.taker(Outcome()))
    verbs.evaluate("runs/a", labels="l", seed=3)
    verbs.evaluate("runs/a", labels="l", test="t")
    usual = {"device": "auto", "quiet": False, "download": False, "follow_links": False}
    usual |= {"min_side": "auto", "max_bad_fraction": "auto"}
    usual |= {"label_counts": "auto", "label_seeds": 3, "stages": "quick"}
    assert calls[0] == (("runs/a", "l"), {"test": None, "seed": 3, **usual})
    assert calls[1] == (("runs/a", "l"), {"test": "t", "seed": 0, **usual})


def test_check(monkeypatch: pytest.MonkeyPatch, calls: Calls) -> None:
    replace(monkeypatch, "presight.data.check", check=calls.taker(Outcome()))
    result = verbs.check("photos/", min_side=3, max_pixels=99, workers=2, device="cpu", quiet=True)
    assert result == Result(("one", "two"), {"accuracy": 0.5})
    taken = {"allow_truncated": True, "float_range": True}
    verbs.check("photos/", follow_links=True, download=True, device="cpu", **taken)
    usual = {"follow_links": False, "download": False, "accelerator": False, "workers": 0}
    given = {"workers": 2, "progress": None, "limits": Limits(min_side=3, max_pixels=99)}
    assert calls[0] == (("photos/",), {**usual, **given})
    assert calls[1][1].pop("progress") is not None
    given = {"follow_links": True, "download": True, "limits": Limits(**taken)}
    assert calls[1] == (("photos/",), {**usual, **given})


@pytest.mark.parametrize(
    ("findings", "code", "words"),
    [
        ([], 0, "runs/a: every file is whole."),
        ([Finding("note  a: extra", False)], 0, "runs/a: every file is whole."),
        ([Finding("BROKEN  b: cut", True)], 7, "runs/a: not whole: see BROKEN above."),
    ],
)
def test_doctor_of_a_run(
    monkeypatch: pytest.MonkeyPatch, calls: Calls, findings: list[Finding], code: int, words: str
) -> None:
    replace(monkeypatch, "presight.store.doctor", inspect_run=calls.taker(findings))
    result = verbs.doctor("runs/a")
    assert result.exit_code == code
    assert result.lines == (*map(str, findings), words)
    assert calls == [(("runs/a",), {})]


def test_doctor_of_the_installation() -> None:
    result = verbs.doctor()
    assert result.lines[0].startswith("python ")
    assert result.record == {"installation": result.lines}


def test_export(monkeypatch: pytest.MonkeyPatch, calls: Calls, tmp_path: Path) -> None:
    done = types.SimpleNamespace(
        path=tmp_path / "x", keys=60, missing=("fc.weight",), unexpected=(), max_difference=1e-7
    )
    done.usage = "model.load_state_dict(...)"
    replace(monkeypatch, "presight.restore", load_backbone=lambda where: f"net of {where}")
    monkeypatch.setattr("presight.exporting.export.export", calls.taker(done))
    result = verbs.export(str(tmp_path), to="torchvision")
    target = tmp_path / "export" / "backbone-torchvision.safetensors"
    assert calls == [((f"net of {tmp_path}", "torchvision", target), {})]
    assert "60 keys, missing 0 but for the classifier" in result.lines[0]
    assert result.lines[1] == done.usage
    assert result.record["missing"] == ["fc.weight"]
    verbs.export(str(tmp_path), to="timm", out="o.safetensors")
    assert calls[1][0][2] == Path("o.safetensors")
    verbs.export(str(tmp_path / "backbone.safetensors"))
    assert calls[2][0][2] == tmp_path / "export" / "backbone-safetensors.safetensors"


def test_report(monkeypatch: pytest.MonkeyPatch, calls: Calls) -> None:
    replace(monkeypatch, "presight.reporting.page", write_report=calls.taker("r.html"))
    assert verbs.report("runs/a", "runs/b", out="r.html").record == {"report": "r.html"}
    assert calls == [(([Path("runs/a"), Path("runs/b")], Path("r.html")), {})]
    with pytest.raises(UsageError, match="needs a run folder"):
        verbs.report()


def test_an_outcome_that_is_a_result_is_left_alone() -> None:
    result = Result(("a",))
    assert verbs._result(result) is result
