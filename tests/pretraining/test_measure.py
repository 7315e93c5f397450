"""What a run is worth: rows, files, warnings."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import pytest

import presight
from data.making import encoded, pixels, write
from presight.data.decode import Limits
from presight.errors import DataError, UsageError
from presight.evaluation.embedding.files import read as read_embedding
from presight.evaluation.score import Score, read_result
from presight.pretraining import data as opening
from presight.pretraining import measure
from presight.pretraining.configuration import Configuration
from presight.pretraining.measure import Measured
from presight.reporting.reading import read_run
from presight.store.doctor import inspect_run
from presight.store.folder import RunFolder
from presight.store.integrity import entry_of
from tinyruns import copied, files

module: Any = measure
"""Its imports are replaced here."""


def test_a_score_by_row_and_protocol() -> None:
    scores = [Score("pretrained", "knn", 0.5, 0.4, 0.6, 10, 10, 0)]
    measured = Measured(Path("eval"), scores, ["few images."])
    assert measured.score("pretrained", "knn") == 0.5
    assert measured.summary["scores"] == {"pretrained/knn": 0.5}
    assert measured.summary["verdict"].startswith("With 10 labels, frozen features reach 50.0 %")
    assert measured.lines()[0] == "note: few images."
    assert measured.lines()[-1] == measured.summary["verdict"]
    with pytest.raises(KeyError, match="pretrained, linear"):
        measured.score("pretrained", "linear")


def photos(folder: Path, side: int = 18, count: int = 12) -> Path:
    """Two classes, the first of them darker."""
    for number in range(count):
        dark = pixels(side, side, number) // (1 + number % 2)
        write(folder / f"class{number % 2}" / f"{number}.png", encoded(dark))
    return folder


def with_settings(target: Path, **changes: Any) -> Path:
    """The finished run, as if it had been made with other settings."""
    folder = RunFolder(copied(target))
    config = Configuration.read(folder)
    settings = dataclasses.replace(config.settings, **changes)
    dataclasses.replace(config, settings=settings).write(folder)
    return target


def evaluated(run: Path, labels: Path | str, **options: Any) -> Measured:
    """Of the last features only: the other stages take as long again, and are asked for by name."""
    given = {"stages": "none", **options}
    return presight.evaluate(run, labels, device="cpu", quiet=True, **given)


def test_images_are_held_to_what_the_run_asked_for(tmp_path: Path) -> None:
    """Its own smallest side and cache folder; what is left out is told."""
    run = with_settings(tmp_path / "run", min_side=17, cache_dir=str(tmp_path / "cache"))
    data = photos(tmp_path / "photos")
    for number in range(3):
        write(data / "class0" / f"small{number}.png", encoded(pixels(12, 12, 90 + number)))
    found = evaluated(run, data)
    assert [line for line in found.warnings if "3 images have" in line and "--min-side" in line]
    assert found.lines()[0].startswith("note: ")
    assert {path.name for path in (tmp_path / "cache").iterdir()} >= {"features"}
    assert len(list((tmp_path / "cache").iterdir())) > 1
    assert [line for line in evaluated(run, data, min_side=8).warnings if "min-side" in line] == []


def test_an_evaluation_says_which_weights_it_is_of_and_keeps_its_place(tmp_path: Path) -> None:
    """Another test set has another folder; the same command writes its own anew."""
    run, data = copied(tmp_path / "run"), photos(tmp_path / "photos")
    alone = evaluated(run, data)
    beside = evaluated(run, data, test=str(photos(tmp_path / "more", side=20)))
    assert alone.folder != beside.folder
    assert evaluated(run, data).folder == alone.folder
    for found in (alone, beside):
        _, protocol = read_result(found.folder / "result.json")
        assert protocol["weights"] == entry_of(run / "backbone.safetensors").sha256
    assert not read_run(run).outdated


def test_what_a_message_advises_can_be_done(tmp_path: Path) -> None:
    """More unreadable images than the run allowed: refused, unless more are allowed here."""
    data = photos(tmp_path / "photos")
    write(data / "class1" / "damaged.png", b"\x89PNG\r\n\x1a\nnothing")
    run = copied(tmp_path / "run")
    with pytest.raises(DataError, match="raise it"):
        evaluated(run, data)
    found = evaluated(run, data, max_bad_fraction=0.2)
    assert [line for line in found.warnings if "1 of 13 unreadable" in line]
    tolerant = with_settings(tmp_path / "tolerant", max_bad_fraction=0.2)
    assert evaluated(tolerant, data).warnings == found.warnings
    with pytest.raises(UsageError, match="--max-bad-fraction is 2"):
        evaluated(run, data, max_bad_fraction=2.0)


@pytest.mark.parametrize("where", ["run", "command"])
def test_links_and_downloads_where_the_run_or_the_command_says_so(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[dict[str, Any]] = []

    def opened(spec: str, **keywords: Any) -> Any:
        given.append(keywords)
        raise DataError("seen enough")

    monkeypatch.setattr(opening, "open_labelled", opened)
    said = {"follow_links": True, "download": True}
    run = with_settings(tmp_path / "run", **(said if where == "run" else {}))
    with pytest.raises(DataError, match="seen enough"):
        evaluated(run, "labels", **(said if where == "command" else {}))
    assert given[0]["follow_links"]
    assert given[0]["download"]
    assert given[0]["limits"] == Limits()


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError("the disk is gone")])
@pytest.mark.parametrize("place", ["measure", "write_result"])
def test_an_evaluation_that_breaks_leaves_the_run_alone(
    place: str, error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the middle or before its last file: nothing of the run changes, and it can be repeated."""
    run, data = copied(tmp_path / "run"), photos(tmp_path / "photos")
    before = files(run)
    whole = getattr(module, place)
    stages = "quick" if isinstance(error, OSError) else "none"

    def broken(*args: Any, **keywords: Any) -> Any:
        if place == "measure":
            whole(*args, **keywords)  # features are kept, scores are lost
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(module, place, broken)
        with pytest.raises(type(error)):
            evaluated(run, data, stages=stages)
    assert files(run) == before
    found = evaluated(run, data, stages=stages)
    assert {
        name: text for name, text in files(run).items() if not name.startswith("eval")
    } == before
    assert found.scores == evaluated(run, data, stages=stages).scores
    assert [finding for finding in inspect_run(run) if finding.broken] == []


def test_labels_in_a_folder_of_no_encoding(tmp_path: Path) -> None:
    """Its name and those of its classes go into JSON, which takes no stray bytes."""
    data = photos(tmp_path / os.fsdecode(b"caf\xe9"))
    (data / "class1").rename(data / os.fsdecode(b"class\xff"))
    found = evaluated(copied(tmp_path / "run"), data)
    _, protocol = read_result(found.folder / "result.json")
    assert protocol["labels"].endswith("caf\\udce9")
    facts = read_embedding(found.folder / "embedding")
    assert facts.info["classes"] == ["class0", "class\\udcff"]
