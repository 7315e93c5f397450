"""The card beside an export: facts of the run's files, and nothing else."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch
import yaml

import presight
from presight.evaluation.score import write_result
from presight.pretraining.model_card import facts_of, write_model_card
from presight.store.folder import RunFolder
from reporting.doubles import curve_scores
from tinyruns import copied


def card_of(run: Path) -> tuple[dict[str, object], str, Path]:
    done = presight.export(run)
    text = done.path.with_name("README.md").read_text(encoding="utf-8")
    _, front, body = text.split("---\n", 2)
    return yaml.safe_load(front), body, done.path


def test_without_an_evaluation_there_is_no_result_and_no_license(tmp_path: Path) -> None:
    front, body, weights = card_of(copied(tmp_path / "run"))
    assert front["pipeline_tag"] == "image-feature-extraction"
    assert "license" not in front
    assert "model-index" not in front
    assert "## Results" not in body
    own = (tmp_path / "run" / "README.md").read_text(encoding="utf-8")
    assert body.partition("## Use")[0].strip() in own
    assert hashlib.sha256(weights.read_bytes()).hexdigest() in body
    assert str(tmp_path) not in body


def test_results_stand_with_labels_seeds_and_intervals(tmp_path: Path) -> None:
    run = copied(tmp_path / "run")
    test = str(tmp_path / "gone: 2020" / "a|b<script>")
    write_result(RunFolder(run).evaluation("e"), curve_scores(), {"test": test})
    front, body, _ = card_of(run)
    assert "| pretrained | linear probe | 200 | 3 | 61.0 |" in body
    assert "| blind guess | majority | 50 | 3 | 10.0 |" in body
    assert "<script>" not in body
    assert str(tmp_path) not in body
    (model,) = front["model-index"]  # type: ignore[misc,attr-defined]
    linear = model["results"][0]["metrics"][0]
    assert linear == {"type": "accuracy", "name": "linear probe, 50 labels", "value": 0.51}


def test_its_lines_load_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, body, weights = card_of(copied(tmp_path / "run"))
    line = body.partition("```python\n")[2].partition("\n```")[0]
    monkeypatch.chdir(weights.parent)
    names: dict[str, object] = {}
    exec(line, names)
    assert "less the mean (" in body
    found, backbone = names["weights"], names["backbone"]
    assert isinstance(found, dict)
    assert all(isinstance(value, torch.Tensor) for value in found.values())
    assert isinstance(backbone, torch.nn.Module)
    assert backbone.state_dict().keys() == found.keys()


def test_every_library_of_its_lines_is_imported_and_none_for_a_files_name(tmp_path: Path) -> None:
    run = copied(tmp_path / "run")
    usage = "net = torchvision.models.resnet18(); net.load(safetensors.torch.load_file({!r}))"
    weights = tmp_path / "export" / "my timm.safetensors"
    weights.parent.mkdir()
    weights.write_bytes((run / "backbone.safetensors").read_bytes())
    facts = facts_of(run)
    assert facts is not None
    text = write_model_card(facts, weights, usage.format(str(weights))).read_text()
    lines = ["import safetensors.torch", "import torchvision", "", usage.format(weights.name)]
    assert text.partition("```python\n")[2].partition("\n```")[0].splitlines() == lines


def test_a_damaged_evaluation_is_passed_over(tmp_path: Path) -> None:
    run = copied(tmp_path / "run")
    place = RunFolder(run).evaluation("e")
    place.mkdir(parents=True)
    (place / "result.json").write_text("{")
    assert "## Results" not in card_of(run)[1]


def test_a_readme_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    run = copied(tmp_path / "run")
    own, project = (run / "README.md").read_text(), tmp_path / "README.md"
    project.write_text("# My project\n")
    for folder in (tmp_path, run):
        for _ in range(2):
            presight.export(run, out=folder / "net.safetensors")
        assert "## File" in (folder / "net.safetensors.md").read_text()
    assert (project.read_text(), (run / "README.md").read_text()) == ("# My project\n", own)
    usual = presight.export(run).path.with_name("README.md")
    presight.export(run, out=usual.with_name("second.safetensors"))
    assert "second.safetensors" in usual.read_text()


def test_a_file_alone_has_no_card(tmp_path: Path) -> None:
    run = copied(tmp_path / "run")
    alone = tmp_path / "alone" / "backbone.safetensors"
    alone.parent.mkdir()
    alone.write_bytes((run / "backbone.safetensors").read_bytes())
    done = presight.export(alone)
    assert not done.path.with_name("README.md").exists()


def test_two_exports_of_a_run_are_the_same_bytes_and_card(tmp_path: Path) -> None:
    run = copied(tmp_path / "run")
    first, again = card_of(run), card_of(run)
    assert first == again
    presight.export(run, out=tmp_path / "b.safetensors")
    assert (tmp_path / "b.safetensors").read_bytes() == first[2].read_bytes()
