"""Kept models for other libraries: with their heads, and refused where those do not fit."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import torch
import torchvision
from safetensors import safe_open
from safetensors.torch import load_file

import presight
from evaluation.test_kept import ORIGIN, kept
from presight.errors import UsageError
from presight.evaluation.kept import Facts, load_model, save_model
from presight.evaluation.outcomes import write_outcomes
from presight.evaluation.tasks.classification import Classification
from presight.exporting.model import Answering
from presight.restore import untrained_backbone


@pytest.mark.parametrize("task", ["multilabel", "segmentation", "depth", "keypoints"])
def test_onnx_answers_as_the_model_does(task: str, tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    kept(tmp_path / "eval", task)
    result = presight.export(tmp_path / "eval", to="onnx")
    assert result.path == tmp_path / "eval" / "export" / "model.onnx"
    model = load_model(tmp_path / "eval")
    session = onnxruntime.InferenceSession(str(result.path), providers=["CPUExecutionProvider"])
    images = torch.rand(3, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    (found,) = session.run(None, {"images": images.numpy()})
    with torch.no_grad():
        expected = Answering(model)(images)
        answers = model.reader.answers(model.network, images, [(16, 16)] * 3)
    assert torch.allclose(torch.from_numpy(found), expected, atol=1e-4)
    told = {"segmentation": lambda: expected.argmax(1), "depth": lambda: expected[:, 0],
            "keypoints": lambda: expected * torch.tensor([16, 16, 1])}  # fmt: skip
    plain = told.get(task, lambda: expected)()
    for one, answer in zip(plain, answers, strict=True):
        assert torch.allclose(one.double(), torch.from_numpy(answer).double(), atol=1e-4)


def test_classes_have_probabilities(tmp_path: Path) -> None:
    kept(tmp_path / "eval")
    model = load_model(tmp_path / "eval")
    with torch.no_grad():
        found = Answering(model)(torch.rand(2, 3, 16, 16))
    assert torch.allclose(found.sum(1), torch.ones(2))


@pytest.mark.parametrize("task", ["classification", "detection", "pose"])
def test_safetensors_is_a_model_that_lies_anywhere(task: str, tmp_path: Path) -> None:
    kept(tmp_path / "eval", task)
    result = presight.export(
        tmp_path / "eval" / "model.safetensors", out=tmp_path / "m.safetensors"
    )
    assert result.max_difference == 0
    model, again = load_model(tmp_path / "eval"), presight.load_model(result.path)
    assert again.facts == model.facts
    weights = again.network.state_dict()
    assert all(torch.equal(weights[k], v) for k, v in model.network.state_dict().items())
    assert f"presight.load_model({str(result.path)!r})" in result.usage


def test_torchvision_loads_network_and_classifier(tmp_path: Path) -> None:
    origin = dataclasses.replace(ORIGIN, backbone="resnet18", stem="standard", image_size=32)
    task = Classification(torch.zeros(0, dtype=torch.int64), 3, ("a", "b", "c"))
    network = task.model(untrained_backbone(origin)).eval()
    torch.nn.init.normal_(network.head.weight)  # type: ignore[arg-type]
    (tmp_path / "eval").mkdir()
    save_model(
        tmp_path / "eval", network, origin, Facts("classification", task.names, {}, 32, "frozen")
    )
    result = presight.export(tmp_path / "eval", to="torchvision")
    assert result.missing == result.unexpected == ()
    fresh = torchvision.models.get_model("resnet18", num_classes=3)
    fresh.load_state_dict(load_file(result.path))
    with safe_open(result.path, "pt") as file:
        words = file.metadata()
    assert json.loads(words["names"]) == ["a", "b", "c"]
    images = torch.rand(2, 3, 64, 64)
    mean, std = (torch.tensor([float(x) for x in words[k].split()]).view(3, 1, 1)
                 for k in ("mean", "std"))  # fmt: skip
    with torch.no_grad():
        found = fresh.eval()((images - mean) / std)
        assert torch.allclose(found, presight.load_model(tmp_path / "eval")(images), atol=1e-4)


@pytest.mark.parametrize(
    ("task", "to", "words"),
    [
        ("detection", "onnx", "models for detection are not written to onnx.*: safetensors\\."),
        ("pose", "onnx", "models for pose are not written to onnx"),
        ("depth", "torchvision", "no head for depth. Formats that work: safetensors, onnx"),
        ("classification", "torchvision", "own:resnet9:2, which torchvision does not have"),
        ("classification", "timm", "not written for timm"),
        ("classification", "tinm", "no format 'tinm'; nearest: timm"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_works(
    task: str, to: str, words: str, tmp_path: Path
) -> None:
    kept(tmp_path / "eval", task)
    with pytest.raises(UsageError, match=words):
        presight.export(tmp_path / "eval", to=to)  # type: ignore[arg-type]
    assert not (tmp_path / "eval" / "export").exists()


def test_an_evaluation_without_a_model_says_how_to_keep_one(tmp_path: Path) -> None:
    write_outcomes(tmp_path / "eval", [], {})
    with pytest.raises(UsageError, match=r"holds no model; presight evaluate RUN .* --keep"):
        presight.export(tmp_path / "eval")
