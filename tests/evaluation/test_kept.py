"""A kept model: written, loaded, asked; what is damaged or missing is said."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

import presight
from evaluation.tasks.making import opened
from presight.core.batch import DataSpec
from presight.core.draw import Draw
from presight.errors import IntegrityError, UsageError
from presight.evaluation.classifier import LinearClassifier
from presight.evaluation.kept import (
    MODEL,
    Facts,
    Model,
    facts_of,
    is_model,
    load_model,
    plain,
    probed,
    save_model,
)
from presight.evaluation.tasks.sets import TASKS
from presight.evaluation.tasks.task import Headed
from presight.restore import Origin, untrained_backbone
from presight.store.tensors import load_tensors, read_metadata, save_tensors
from tinyruns import finished

SPEC = dataclasses.asdict(DataSpec(64, 16, 16, 4, 1.0))
ORIGIN = Origin("resnet9:2", "auto", 16, "rotation", {}, SPEC, seed=3)


def made(name: str) -> tuple[Any, Headed, Any]:
    """A task on scenes, its model with weights that say something, and the images."""
    kind = TASKS[name]
    source, images = opened("scenes:6?size=16", kind.reads)
    task = kind.of(source, images, size=16)
    network = task.model(untrained_backbone(ORIGIN))
    for tensor in network.state_dict().values():
        if tensor.is_floating_point():
            tensor.add_(0.05 * torch.rand_like(tensor))
    return task, network.eval(), images


def kept(folder: Path, name: str = "classification") -> tuple[Any, Headed, Any]:
    task, network, images = made(name)
    folder.mkdir(parents=True)
    facts = Facts(name, task.names, task.settings, 16, "finetune", {"labels": 6})
    assert save_model(folder, network, ORIGIN, facts) == folder / MODEL
    return task, network, images


@pytest.mark.parametrize("name", TASKS)
def test_a_model_that_is_loaded_answers_as_the_one_that_was_kept(name: str, tmp_path: Path) -> None:
    task, network, images = kept(tmp_path / "eval", name)
    model = load_model(tmp_path / "eval")
    assert (model.task, model.names, model.size) == (name, task.names, 16)
    assert model.facts == facts_of(tmp_path / "eval" / MODEL)
    assert not model.training
    batch = images.batch(torch.arange(3))
    view = task.look(16)(batch, Draw(0, 0, batch.index))["view"]
    with torch.no_grad():
        expected = task.answers(network, view, [(16, 16)] * 3)
    pictures = [np.ascontiguousarray(one) for one in batch.images.permute(0, 2, 3, 1).numpy()]
    floats = batch.images.float() / 255
    for given in (pictures, batch.images, floats):
        for found, wanted in zip(model.predict(given), expected, strict=True):
            held = dataclasses.astuple(found) if name == "detection" else (found,)
            right = dataclasses.astuple(wanted) if name == "detection" else (wanted,)
            for a, b in zip(held, right, strict=True):
                assert np.array_equal(a, b)


def test_logits_have_gradients_and_the_file_holds_no_pickle(tmp_path: Path) -> None:
    task, network, _ = kept(tmp_path / "eval")
    model = presight.load_model(tmp_path / "eval" / MODEL)
    images = torch.rand(2, 3, 16, 16, requires_grad=True)
    logits = model(images)
    assert torch.equal(logits, network(images))
    assert logits.shape == (2, len(task.names))
    logits.sum().backward()
    assert images.grad is not None
    assert images.grad.abs().sum() > 0
    assert load_file(tmp_path / "eval" / MODEL).keys() == network.state_dict().keys()


def test_pictures_of_any_size_are_answered_in_their_own_pixels(tmp_path: Path) -> None:
    kept(tmp_path / "eval", "segmentation")
    model = load_model(tmp_path / "eval")
    pictures = [np.zeros((20, 30, 3), np.uint8), np.full((90, 50, 3), 200, np.uint8)]
    assert [answer.shape for answer in model.predict(pictures)] == [(20, 30), (90, 50)]
    assert model.predict([]) == []
    with pytest.raises(UsageError, match=r"uint8 \[h, w, 3\]; received float64"):
        model.predict([np.zeros((20, 30, 3))])  # type: ignore[list-item]
    with pytest.raises(UsageError, match=r"\[B, 3, h, w\]; received \(3, 8, 8\)"):
        model.predict(torch.zeros(3, 8, 8))


def test_its_backbone_is_a_backbone(tmp_path: Path) -> None:
    _, network, _ = kept(tmp_path / "eval", "depth")
    backbone = presight.load_backbone(tmp_path / "eval" / MODEL)
    images = torch.rand(2, 3, 16, 16)
    assert torch.equal(backbone(images), network.backbone(images))


def test_one_that_is_damaged_or_is_none_is_told(tmp_path: Path) -> None:
    kept(tmp_path / "run" / "eval" / "a")
    path = tmp_path / "run" / "eval" / "a" / MODEL
    assert load_model(tmp_path / "run").task == "classification"
    assert is_model(path)
    assert is_model(path.parent)
    assert not is_model(tmp_path / "run")
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(IntegrityError, match="its SHA-256 is not the one"):
        load_model(path)
    path.write_bytes(whole)
    (path.parent / "MANIFEST.json").unlink()
    words, tensors = read_metadata(path), load_tensors(path)
    save_tensors(path, tensors, {**words, "presight-model": "{}"})
    with pytest.raises(IntegrityError, match="does not say which model"):
        load_model(path)
    del tensors["head.weight"]
    save_tensors(path, tensors, words)
    with pytest.raises(IntegrityError, match="does not hold the model that it names"):
        load_model(path)
    backbone = finished() / "backbone.safetensors"
    assert not is_model(backbone)
    with pytest.raises(IntegrityError, match="no model with a head"):
        load_model(backbone)
    with pytest.raises(UsageError, match="presight evaluate RUN --labels LABELLED --keep"):
        load_model(finished())
    kept(tmp_path / "run" / "eval" / "b")
    with pytest.raises(UsageError, match=r"holds 2 models; name the evaluation: .*a, .*b"):
        load_model(tmp_path / "run")


def test_a_probe_becomes_the_head_and_never_answers_what_it_has_not_seen() -> None:
    backbone = untrained_backbone(ORIGIN)
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(2, backbone.dim, generator=generator)
    probe = LinearClassifier(torch.tensor([0, 2]), weight, torch.tensor([0.5, -0.5]), 1.0)
    network = probed(backbone, probe, 4)
    images = torch.rand(5, 3, 16, 16, generator=generator)
    with torch.no_grad():
        logits = network(images)
        scores = probe.scores(backbone(images))
    assert torch.allclose(logits[:, [0, 2]], scores, atol=1e-5)
    assert logits.softmax(1)[:, [1, 3]].eq(0).all()


def test_normalization_before_a_head_goes_into_its_weights() -> None:
    backbone = untrained_backbone(ORIGIN)
    norm = nn.BatchNorm1d(backbone.dim, affine=False)
    with torch.no_grad():
        norm(5 * torch.rand(50, backbone.dim) - 1)
    network = Headed(backbone, nn.Sequential(norm, nn.Linear(backbone.dim, 3))).eval()
    folded = plain(network)
    assert isinstance(folded.head, nn.Linear)
    images = torch.rand(4, 3, 16, 16)
    with torch.no_grad():
        assert torch.allclose(folded(images), network(images), atol=1e-5)
    assert plain(folded) is folded


def test_a_model_says_what_its_evaluation_said(tmp_path: Path) -> None:
    kept(tmp_path / "eval")
    model = load_model(tmp_path / "eval")
    assert isinstance(model, Model)
    assert model.facts.about == {"labels": 6}
    assert model.facts.mode == "finetune"
    assert model.origin.backbone == "resnet9:2"
