from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from evaluation.tasks.making import opened
from presight.core.draw import Draw
from presight.evaluation.tasks.sets import TASKS
from presight.evaluation.tasks.task import Headed
from presight.nn.backbones import encoders


def test_a_headed_network_answers_by_pooled_features() -> None:
    backbone = encoders("resnet9:2", image_size=8)().eval()
    head = nn.Linear(backbone.dim, 4)
    images = torch.rand(2, 3, 8, 8)
    model = Headed(backbone, head)
    assert torch.equal(model(images), head(backbone(images)))
    assert {name.split(".")[0] for name, _ in model.named_parameters()} == {"backbone", "head"}


SIZES = [(20, 30), (16, 12)]


def begun(name: str) -> tuple[Any, Any, Any]:
    """A task on six scenes, their images, and its model with weights that say something."""
    kind = TASKS[name]
    source, images = opened("scenes:6?size=16", kind.reads)
    task = kind.of(source, images, size=16)
    torch.manual_seed(0)
    model = task.model(encoders("resnet9:2", image_size=16)()).eval()
    for tensor in model.state_dict().values():
        if tensor.is_floating_point():
            tensor.add_(0.05 * torch.rand_like(tensor))
    return task, images, model


@pytest.mark.parametrize("name", TASKS)
def test_a_task_without_labels_makes_the_same_model_and_gives_the_same_answers(name: str) -> None:
    task, images, model = begun(name)
    settings = json.loads(json.dumps(task.settings))
    alone = TASKS[name].unlabelled(task.names, settings)
    assert alone.names == task.names
    assert alone.settings == task.settings
    other = alone.model(encoders("resnet9:2", image_size=16)()).eval()
    other.load_state_dict(model.state_dict())
    batch = images.batch(torch.arange(2))
    view = alone.look(16)(batch, Draw(0, 0, batch.index))["view"]
    measured = task.views(16, augment=False)(batch, Draw(0, 0, batch.index))["view"]
    assert torch.equal(view, measured)
    with torch.no_grad():
        first, second = (one.answers(made, view, SIZES) for one, made in
                         ((task, model), (alone, other)))  # fmt: skip
    for a, b, size in zip(first, second, SIZES, strict=True):
        assert all(np.array_equal(x, y) for x, y in zip(parts(a), parts(b), strict=True))
        assert not np.array_equal(parts(a)[0], parts(first[0])[0]) or a is first[0]
        if name in ("segmentation", "depth"):
            assert a.shape == size


def parts(answer: Any) -> list[Any]:
    held = (answer.boxes, answer.scores, answer.labels) if hasattr(answer, "boxes") else (answer,)
    return [np.asarray(part) for part in held]


@pytest.mark.parametrize("name", TASKS)
def test_the_truth_has_the_form_of_an_answer(name: str) -> None:
    task, _images, model = begun(name)
    view = torch.rand(1, 3, 16, 16)
    with torch.no_grad():
        answer = task.answers(model, view, [(16, 16)])[0]
    for a, b in zip(parts(answer), parts(task.truth(3)), strict=True):
        assert a.dtype == b.dtype
        assert a.shape[1:] == b.shape[1:]
        if name != "detection":
            assert a.shape == b.shape


def test_what_is_answered_is_what_is_judged() -> None:
    """In pixels of the pictures, as labels are."""
    for name in ("keypoints", "detection"):
        task, images, model = begun(name)
        rows = torch.arange(3)
        batch = images.batch(rows)
        view = task.look(16)(batch, Draw(0, 0, batch.index))["view"]
        with torch.no_grad():
            answers = task.answers(model, view, [(16, 16)] * 3)
            judged = task.judge(task.predict(model, view), rows)
        for answer, one in zip(answers, judged, strict=True):
            if name == "keypoints":
                assert np.allclose(answer, one.numpy())
            else:
                kept = one.detections
                assert set(kept.scores) <= set(answer.scores)
                assert kept.scores[0] == answer.scores[0]
                assert np.array_equal(kept.boxes[0], answer.boxes[0])
