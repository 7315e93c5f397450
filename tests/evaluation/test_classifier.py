from __future__ import annotations

import torch

from presight.evaluation.classifier import LinearClassifier


def test_the_largest_score_wins_and_of_equal_ones_the_lowest_class() -> None:
    weight = torch.tensor([[1.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    found = LinearClassifier(torch.tensor([4, 9]), weight, torch.tensor([0.0, 1.0]).double(), 1.0)
    features = torch.tensor([[3.0, 1.0], [3.0, 2.0], [0.0, 0.0]], dtype=torch.float16)
    assert found.scores(features).tolist() == [[3, 2], [3, 3], [0, 1]]
    assert found.predict(features).tolist() == [4, 4, 9]
