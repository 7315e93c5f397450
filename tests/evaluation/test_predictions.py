from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import torch

from evaluation.doubles import Pictures, Small, Whole
from presight.evaluation.labelled import LabelledImages
from presight.evaluation.predictions import write_arrays, write_predictions
from presight.evaluation.protocol import measure


def hostile(count: int) -> LabelledImages:
    """Names with markup, line ends, a stray byte and a thousand characters."""
    pixels = torch.randint(0, 256, (count, 3, 8, 8), dtype=torch.uint8)
    odd = ["<script>alert(1)</script>", 'a,"b"\n.png', "\udcff.png", "x" * 1000]
    names = tuple(odd + [f"{i}.png" for i in range(count - len(odd))])
    labels = torch.arange(count) % 2
    return LabelledImages(Pictures(pixels), labels, ("<b>cat</b>", "dog"), "f", names)


def test_every_test_image_has_its_line_with_the_answers_to_most_labels(tmp_path: Path) -> None:
    data = hostile(24)
    found = measure(
        {"pretrained": Small()}, data, hostile(20), size=8, views=Whole(), label_counts="4,all"
    )
    path = write_predictions(tmp_path / "eval", found)
    with open(path, newline="", encoding="utf-8", errors="surrogateescape") as file:
        head, *lines = csv.reader(file)
    assert head == [
        "identity", "label", "pretrained / knn", "pretrained / linear",
        "raw pixels / knn", "raw pixels / linear", "blind guess / majority",
    ]  # fmt: skip
    assert tuple(line[0] for line in lines) == hostile(20).identities
    answers = found.predictions[("pretrained", "linear", 24, 0)]
    assert [line[3] for line in lines] == [data.classes[answer] for answer in answers]


def test_all_answers_are_held_by_row_protocol_labels_and_seed(tmp_path: Path) -> None:
    """Names come back as they are, without an object among the arrays."""
    data = hostile(24)
    found = measure(
        {"pretrained": Small()}, data, hostile(20), size=8, views=Whole(), label_counts="4,all"
    )
    with np.load(write_arrays(tmp_path / "eval", found), allow_pickle=False) as held:
        assert tuple(held["identity"].tolist()) == hostile(20).identities
        assert tuple(held["classes"].tolist()) == data.classes
        assert held["label"].tolist() == hostile(20).labels.tolist()
        assert len(held.files) == 3 + len(found.predictions)
        for (row, protocol, n, seed), answers in found.predictions.items():
            assert held[f"{row}/{protocol}/{n}/{seed}"].tolist() == answers.tolist()
        scores = {(s.row, s.protocol, s.n_train, s.seed): s.value for s in found.scores}
        right = held["pretrained/linear/4/2"] == held["label"]
        assert right.mean() == scores[("pretrained", "linear", 4, 2)]
