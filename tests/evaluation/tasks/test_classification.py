from __future__ import annotations

import pytest
import torch

from presight.core.batch import Batch
from presight.core.draw import Draw
from presight.evaluation.tasks.classification import Classification
from presight.nn.backbones import encoders


def test_scores_by_hand() -> None:
    """Catalogue T9: the constant answer on 90 and 10 images has 0.9, and 0.5 a class."""
    task = Classification(torch.tensor([0] * 90 + [1] * 10), 3)
    found = task.score(torch.zeros(100, dtype=torch.long), torch.arange(100))
    assert found["accuracy"].mean() == pytest.approx(0.9)
    assert found["mean class accuracy"].mean() == pytest.approx(0.5)


def test_the_head_begins_blind() -> None:
    task = Classification(torch.tensor([0, 1, 2]), 3)
    model = task.model(encoders("resnet9:2", image_size=8)()).eval()
    views = {"view": torch.rand(3, 3, 8, 8), "label": torch.tensor([0, 1, 2])}
    loss = task.losses(model, views)["cross-entropy"]
    assert float(loss.detach()) == pytest.approx(float(torch.tensor(3.0).log()))
    assert task.predict(model, views["view"]).tolist() == [0, 0, 0]


@pytest.mark.parametrize("size", [16, 64])
@pytest.mark.parametrize("augment", [False, True])
def test_views_carry_the_labels_of_their_rows(size: int, augment: bool) -> None:
    task = Classification(torch.tensor([5, 6, 7, 8]), 9)
    batch = Batch.of(
        torch.randint(0, 256, (3, 3, 70, 80), dtype=torch.uint8), torch.tensor([2, 0, 3])
    )
    views = task.views(size, augment=augment)(batch, Draw(0, 0, batch.index))
    assert views["view"].shape == (3, 3, size, size)
    assert views["label"].tolist() == [7, 5, 8]
