from __future__ import annotations

import torch

from evaluation.doubles import Pictures, Small, Whole, colored
from presight.evaluation.labelled import LabelledImages
from presight.evaluation.protocol import measure
from presight.evaluation.stages import Budget


def test_a_row_is_probed_with_the_same_labels_as_the_others() -> None:
    """Two rows with equal weights answer alike with every choice of labels."""
    torch.manual_seed(0)
    net = Small()
    found = measure(
        {"one": net, "two": net}, colored(60, 0), colored(30, 1), size=8, views=Whole(),
        label_counts="6,12,all",
    )  # fmt: skip
    for n, seed in [(6, 0), (6, 1), (6, 2), (12, 0), (60, 0)]:
        for protocol in ("knn", "linear"):
            first = found.predictions[("one", protocol, n, seed)]
            assert torch.equal(first, found.predictions[("two", protocol, n, seed)])
    assert {(s.n_train, s.seed) for s in found.scores} == {
        (6, 0), (6, 1), (6, 2), (12, 0), (12, 1), (12, 2), (60, 0),
    }  # fmt: skip


def test_labels_of_one_class_only_are_no_error() -> None:
    """Nineteen of twenty images are of one class, and so are the first two labels."""
    pixels = torch.randint(0, 256, (40, 3, 8, 8), dtype=torch.uint8)
    labels = (torch.arange(40) % 20 == 0).long()
    data = LabelledImages(Pictures(pixels), labels, ("a", "b"), "f")
    found = measure({"net": Small()}, data, data, size=8, views=Whole(), label_counts="2,all")
    assert found.predictions[("net", "linear", 2, 0)].tolist() == [0] * 40
    assert next(s.details["label_classes"] for s in found.scores if s.n_train == 2) == 1


def test_a_class_that_no_label_names_counts_as_wrong() -> None:
    found = measure(
        {"net": Small()}, colored(60, 0), colored(30, 1), size=8, views=Whole(), label_counts="2"
    )
    assert all(score.value <= 2 / 3 for score in found.scores)
    assert any("fewer than the 3 classes" in line for line in found.warnings)


def test_every_stage_has_its_score_and_none_is_taken_for_the_whole() -> None:
    torch.manual_seed(0)
    found = measure(
        {"pretrained": Small()}, colored(60, 0), colored(30, 1), size=8, views=Whole(),
        stages=Budget(64, 30),
    )  # fmt: skip
    ladder = [score for score in found.scores if score.stage]
    assert [score.stage for score in ladder] == [
        f"f{at + 1}" for at in range(len(Small().stage_dims))
    ]
    assert {score.n_train for score in ladder} == {30}
    assert "at most 30 labels" in ladder[0].details["budget"]
    assert max(score.value for score in ladder) == 1.0
