"""The verbs in Python, on one finished run."""

from __future__ import annotations

import inspect
import types
from pathlib import Path
from typing import Any

import pytest

import presight
from presight.data.decode import Limits
from presight.errors import RunError, UsageError
from presight.evaluation.features import backbone_digest
from presight.evaluation.score import read_result
from presight.pretraining.configuration import Configuration
from presight.restore import load_backbone, origin_of, untrained_backbone
from presight.store.folder import RunFolder
from tinyruns import DATA, WORDS, copied, files

LABELS, TEST = "scenes:60?size=16&seed=1", "scenes:50?size=16&seed=2"


def test_an_unknown_option_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    out = tmp_path / "run"
    with pytest.raises(UsageError, match="unknown option --temprature"):
        presight.pretrain(DATA, out=out, temprature=0.2)
    assert not out.exists()


def test_options_reach_settings_plan_and_method(tmp_path: Path) -> None:
    words = {**WORDS, "method": "simclr", "temperature": 0.25, "keep": 1, "lr": 0.5}
    run = presight.pretrain(DATA, out=tmp_path / "run", **words)
    config = Configuration.read(RunFolder(run.folder))
    assert (config.settings.keep, config.plan.lr) == (1, 0.5)
    assert config.options["temperature"] == 0.25
    assert config.requested["temperature"] == 0.25


def test_a_run_is_measured_beside_what_costs_nothing(tmp_path: Path) -> None:
    folder = copied(tmp_path / "run")
    before = files(folder)
    measured = presight.evaluate(folder, LABELS, test=TEST)
    rows = [
        f"{row}/{protocol}"
        for row in ("pretrained", "untrained", "raw pixels")
        for protocol in ("knn", "linear")
    ]
    assert list(measured.summary["scores"]) == [*rows, "blind guess/majority"]
    assert all((score.n_train, score.n_test) == (60, 50) for score in measured.scores)
    whole = [score for score in measured.scores if not score.stage]
    features = {score.row: score.details.get("features") for score in whole}
    assert features["pretrained"] == backbone_digest(load_backbone(folder))
    assert features["untrained"] == backbone_digest(untrained_backbone(origin_of(folder)))
    scores, protocol = read_result(measured.folder / "result.json")
    assert scores == list(measured.scores)
    assert (protocol["labels"], protocol["test"]) == (LABELS, TEST)
    after = files(folder)
    assert {Path(name).parts[0] for name in after.keys() - before.keys()} == {"eval"}
    assert {name: after[name] for name in before} == before


def test_a_folder_without_a_run_cannot_be_measured(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="holds no run") as caught:
        presight.evaluate(tmp_path, LABELS)
    assert caught.value.exit_code == 6


def test_an_export_lies_in_the_run_unless_told(tmp_path: Path) -> None:
    folder = copied(tmp_path / "run")
    inside = presight.export(folder)
    assert inside.path == folder / "export" / "backbone.safetensors"
    assert inside.path.is_file()
    assert presight.export(folder / "backbone.safetensors").path == inside.path
    assert presight.export(folder, out=tmp_path / "b.safetensors").path.is_file()


def test_a_report_is_written_where_told(tmp_path: Path) -> None:
    page = presight.report(copied(tmp_path / "run"), out=tmp_path / "page.html")
    assert page == tmp_path / "page.html"
    assert "rotation" in page.read_text().lower()


def test_images_are_looked_at_and_a_run_is_examined(tmp_path: Path) -> None:
    assert presight.check(DATA, device="cpu", quiet=True).count == 64
    folder = copied(tmp_path / "run")
    assert presight.doctor(folder) == []
    (folder / "config.yaml").unlink()
    assert [found.path for found in presight.doctor(folder) if found.broken] == ["config.yaml"]


class Calls(list[Any]):
    """What a replaced function was called with."""

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        self.append((args, keywords))
        return types.SimpleNamespace(runs=[Path("d/a"), Path("d/b")], report=Path("d/report.html"))


def test_the_demo_is_made_and_then_its_page(monkeypatch: pytest.MonkeyPatch) -> None:
    made, written = Calls(), Calls()
    monkeypatch.setattr("presight.pretraining.demo.run_demo", made)
    monkeypatch.setattr("presight.reporting.page.write_report", written)
    presight.demo(out="d", minutes=1.5)
    assert made == [(("d", 1.5), {})]
    assert written == [(([Path("d/a"), Path("d/b")], Path("d/report.html")), {})]


def test_options_of_check_reach_what_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = Calls()
    monkeypatch.setattr("presight.data.check.check", calls)
    presight.check("photos/", min_side=3, max_pixels=99, workers=2, device="cpu", quiet=True)
    taken = {"allow_truncated": True, "float_range": True}
    presight.check("photos/", follow_links=True, download=True, device="cpu", **taken)
    usual = {"follow_links": False, "download": False, "accelerator": False, "workers": 0}
    given = {"workers": 2, "progress": None, "limits": Limits(min_side=3, max_pixels=99)}
    assert calls[0] == (("photos/",), {**usual, **given})
    assert calls[1][1].pop("progress") is not None
    given = {"follow_links": True, "download": True, "limits": Limits(**taken)}
    assert calls[1] == (("photos/",), {**usual, **given})


@pytest.mark.parametrize(
    ("verb", "target"),
    [
        ("evaluate", "ask.evaluate_asked"),
        ("predict", "predict.predict_images"),
        ("embed", "embed.embed_run"),
    ],
)
def test_every_option_of_a_verb_is_handed_on(
    verb: str, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = Calls()
    monkeypatch.setattr(f"presight.pretraining.{target}", calls)
    parameters = inspect.signature(getattr(presight, verb)).parameters
    options = {name: f"the {name}" for name, p in parameters.items() if p.kind is p.KEYWORD_ONLY}
    getattr(presight, verb)("runs/a", "photos", **options)
    assert calls == [(("runs/a", "photos"), options)]
