"""A linear classifier of features, however it was fitted."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, slots=True)
class LinearClassifier:
    """Scores are `features @ weight.T + bias`, one a class.

    Args:
        classes: int64 [C], the labels that were seen, ascending.
        weight: float [C, d]; features are taken to its type.
        bias: float [C].
        strength: of the penalty, chosen.
    """

    classes: Tensor
    weight: Tensor
    bias: Tensor
    strength: float

    def scores(self, features: Tensor) -> Tensor:
        """Float [n, C], in the order of `classes`, of features [n, d]."""
        return features.to(self.weight.dtype) @ self.weight.T + self.bias

    def predict(self, features: Tensor) -> Tensor:
        """Labels, int64 [n], of features [n, d]; equal scores go to the lowest class."""
        return self.classes[self.scores(features).argmax(1)]
