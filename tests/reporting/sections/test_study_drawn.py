from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from presight.reporting.blocks import Answers
from presight.reporting.sections import study_drawn
from presight.reporting.sections.study_reading import AnswerFacts, read_study
from reporting.sections.studies import told, written

GOOD = {"method": "good", "backbone": "resnet9:8", "images": ""}


def study(folder: Path, **changes: Any) -> tuple[AnswerFacts, Path, dict[str, Any]]:
    """A study with two failures and one image at random."""
    place = written(folder / "s", told())
    (place / "pictures").mkdir()
    images = []
    for kind, number in (("lowest", 1), ("lowest", 2), ("random", 1)):
        files = []
        for word in ("right", "answered"):
            name = f"classification-{kind}-{number}-{word}.jpg"
            Image.new("RGB", (8, 8), (number, 9, 9)).save(place / "pictures" / name)
            files.append([word, name])
        images.append({"kind": kind, "score": number / 10, "files": files})
    record = {
        "task": "classification", "measured_on": "", "arm": GOOD, "mode": "frozen", "n_test": 40,
        "n_labels": 200, "seed": 0, "metric": "accuracy", "images": images, **changes,
    }  # fmt: skip
    return read_study(place).answers[0], place, record


def blocks(answer: AnswerFacts, record: Mapping[str, Any], place: Path) -> list[Answers]:
    section = study_drawn.section(answer, [record], place, 100_000)
    return [one for one in section.blocks if isinstance(one, Answers)] if section else []


def test_failures_and_random_ones_say_what_they_are(tmp_path: Path) -> None:
    answer, place, record = study(tmp_path)
    failures, chance = blocks(answer, record, place)
    assert failures.title == "Failures"
    assert "The 2 of 40 test images with the lowest part in accuracy" in failures.sub
    assert "None was picked by hand" in failures.sub
    assert chance.title == "Drawn at random"
    assert [one.words for one in failures.shown] == [
        "part in the score 0.1",
        "part in the score 0.2",
    ]
    where, alternative, below = failures.shown[0].pictures[1]
    assert where.startswith("data:image/jpeg;base64,")
    assert (alternative, below) == ("lowest 1: answered", "answered")
    assert failures.protocol.startswith("frozen good, 200 labels, repetition 1;")


def test_there_is_no_more_than_there_is_room_for(tmp_path: Path) -> None:
    answer, place, record = study(tmp_path)
    one = sum(len(where) for where, *_ in blocks(answer, record, place)[0].shown[0].pictures)
    section = study_drawn.section(answer, [record], place, one)
    assert section is not None
    (only,) = section.blocks
    assert isinstance(only, Answers)
    assert len(only.shown) == 1


@pytest.mark.parametrize("name", ["../other.jpg", "{}/other.jpg", "within/other.jpg", "no.jpg"])
def test_no_other_file_is_read(tmp_path: Path, name: str) -> None:
    answer, place, record = study(tmp_path)
    (place / "pictures" / "within").mkdir()
    for folder in (place, place / "pictures" / "within"):
        Image.new("RGB", (8, 8)).save(folder / "other.jpg")
    record["images"][0]["files"][0][1] = name.format(place)
    assert study_drawn.section(answer, [record], place, 100_000) is None


def test_what_is_no_small_jpeg_is_not_shown(tmp_path: Path) -> None:
    answer, place, record = study(tmp_path)
    name = record["images"][0]["files"][0][1]
    (place / "pictures" / name).write_text("<svg onload=alert(1)>")
    assert study_drawn.section(answer, [record], place, 100_000) is None


def test_pictures_of_another_task_are_left_alone(tmp_path: Path) -> None:
    answer, place, record = study(tmp_path, task="depth")
    assert study_drawn.section(answer, [record, 3], place, 100_000) is None  # type: ignore[list-item]
