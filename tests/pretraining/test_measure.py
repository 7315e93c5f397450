"""What a run is worth: rows, files, warnings."""

from __future__ import annotations

from pathlib import Path

import pytest

from presight.evaluation.score import Score
from presight.pretraining.measure import Measured


def test_a_score_by_row_and_protocol() -> None:
    scores = [Score("pretrained", "knn", 0.5, 0.4, 0.6, 10, 10, 0)]
    measured = Measured(Path("eval"), scores, ["few images."])
    assert measured.score("pretrained", "knn") == 0.5
    assert measured.summary == {"folder": "eval", "scores": {"pretrained/knn": 0.5}}
    assert measured.lines()[-1] == "note: few images."
    with pytest.raises(KeyError, match="pretrained, linear"):
        measured.score("pretrained", "linear")
