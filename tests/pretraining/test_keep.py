"""The linear probe of a frozen evaluation, kept with its backbone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import presight
from data.making import encoded, pixels, write
from presight.data.open import open_labelled
from presight.evaluation.score import read_result
from tinyruns import copied


def measured(run: Path, labels: Path | str, **options: Any) -> Any:
    return presight.evaluate(run, labels, stages="none", device="cpu", quiet=True, **options)


def test_the_model_answers_as_the_probe_did_and_nothing_else_changes(tmp_path: Path) -> None:
    run, test = copied(tmp_path / "run"), "scenes:20?size=16&seed=9"
    given = {"test": test, "label_counts": "all"}
    plain = measured(run, "scenes:30?size=16", **given)
    before = {path.name: path.read_bytes() for path in plain.folder.iterdir() if path.is_file()}
    kept = measured(run, "scenes:30?size=16", keep=True, **given)
    assert kept.folder == plain.folder
    after = {path.name: path.read_bytes() for path in kept.folder.iterdir() if path.is_file()}
    assert after.keys() - before.keys() == {"model.safetensors", "MANIFEST.json"}
    assert after["predictions.csv"] == before["predictions.csv"]
    assert read_result(kept.folder / "result.json")[0] == list(plain.scores)
    model = presight.load_model(run)
    source: Any = open_labelled(test)
    answers = np.stack(model.predict(list(source.decode_many(range(20)))))
    held = np.load(kept.folder / "predictions.npz")
    assert answers.argmax(1).tolist() == held["pretrained/linear/30/0"].tolist()
    assert model.names == tuple(held["classes"])
    assert answers.sum(1) == pytest.approx(1, abs=1e-5)
    assert kept.lines()[-1] == f"model {kept.model}"
    assert kept.summary["model"] == str(kept.model)
    assert "model" not in plain.summary
    assert model.facts.about["scores"]["accuracy"] == kept.score("pretrained", "linear")


def test_labels_of_one_class_make_a_model_that_says_it(tmp_path: Path) -> None:
    run = copied(tmp_path / "run")
    for number in range(12):
        folder = "b" if number % 6 == 5 else "a"
        write(tmp_path / f"photos/{folder}/{number}.png", encoded(pixels(16, 16, number)))
    found = measured(run, tmp_path / "photos", keep=True, label_counts="2", label_seeds=1)
    model = presight.load_model(found.folder)
    answers = np.stack(model.predict([pixels(16, 16, 1), pixels(16, 16, 2)]))
    assert answers.argmax(1).tolist() in ([0, 0], [1, 1])
