from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from presight.errors import UsageError
from presight.studies.conclude import Studied, answered, conclude
from studies.making import rows


def test_everything_is_left_behind(tmp_path: Path) -> None:
    made = rows({("a", "frozen"): (0.3, 0.4, 0.5, 0.6, 0.7), ("none", "finetune"): (0.1,) * 5})
    found = conclude(tmp_path, {"seeds": 5}, made, made, lambda arm, seed: tmp_path, {"more": 1})
    told = json.loads((tmp_path / "study.json").read_text())
    assert (told["plan"], told["more"], told["layout"]) == ({"seeds": 5}, 1, 2)
    assert told["answers"][0]["sentence"] == found.answer.sentence == answered(made)[0].sentence
    assert {"cost", "claims"} <= told.keys()
    with (tmp_path / "results.csv").open() as file:
        assert len(list(csv.DictReader(file))) == len(made)
    assert (tmp_path / "claims.csv").is_file()


def test_without_a_whole_repetition_there_is_no_answer(tmp_path: Path) -> None:
    found = conclude(tmp_path, {}, [], [], lambda arm, seed: tmp_path, {})
    assert found.lines()[0].startswith("No repetition")
    assert found.summary["answer"] == ""
    with pytest.raises(UsageError, match="No repetition"):
        Studied(tmp_path, [], []).answer  # noqa: B018
